using Relay.Clients;
using Relay.Cluster;
using Relay.Cluster.V1;
using Relay.Protocol;

namespace Relay.Signaling;

/// <summary>What other relays of the cluster send to this one's clients, and about their own. It is checked like a client's message: a node may be wrong.</summary>
internal sealed class ClusterSignals(
    ClusterBus bus,
    ClusterNodes nodes,
    ClusterNameAnswers names,
    RemoteRequests requests,
    RemoteForwards forwards,
    PairingHandler pairing,
    LinkHandler links,
    PendingRequests pending) : IHostedService
{
    /// <summary>Of the messages to one relay.</summary>
    public const string Subject = "signals";

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        names.Received += Receive;
        nodes.Gone += OnGone;
        await bus.SubscribeToOwnAsync(Subject, Receive);
    }

    public Task StopAsync(CancellationToken cancellationToken)
    {
        names.Received -= Receive;
        nodes.Gone -= OnGone;
        return Task.CompletedTask;
    }

    /// <summary>The relay of this epoch is gone, and all its clients with it.</summary>
    public void ForgetNode(ulong epoch)
    {
        foreach (var request in pending.TakeAllOf(epoch))
        {
            if (request.Kind == RequestKind.Link)
            {
                links.Forget(request);
            }
        }

        forwards.ForgetNode(epoch);
        requests.ForgetNode(epoch);
    }

    // It is raised under a lock, and there may be much to end.
    private void OnGone(ulong epoch) => _ = Task.Run(() => ForgetNode(epoch));

    private void Receive(ClusterName name, Client? client, ClusterMessage message)
    {
        if (name.Kind != NameKind.Code)
        {
            return;
        }

        var envelope = message.Envelope;
        if (nodes.IsOvertaken(envelope))
        {
            return;
        }

        if (envelope.Forward is { } forward)
        {
            if (forwards.Receive(client, envelope.Epoch, forward) is { } result)
            {
                bus.Reply(message, new Envelope { ForwardAnswer = new ForwardAnswer { Result = result } });
                return;
            }
        }
        else if (envelope.PeerRequest is { } request && TryAdd(client, name.Name, envelope.Epoch, request) is { } isWaiting)
        {
            bus.Reply(message, new Envelope
            {
                PeerRequestAnswer = new PeerRequestAnswer { Result = isWaiting ? PeerRequestAnswer.Types.Result.Waiting : PeerRequestAnswer.Types.Result.NotPossible },
            });
            return;
        }

        bus.Refuse(message);
    }

    private void Receive(ClusterMessage message)
    {
        var envelope = message.Envelope;
        if (envelope.ClientLeft is { } left)
        {
            var client = new RemoteClient(envelope.Epoch, left.Session);
            pairing.Leave(client);
            links.Leave(client);
            forwards.Leave(client);
        }
        else if (envelope.PeerRequestOutcome is not { } outcome || !IsValid(outcome))
        {
            bus.Refuse(message);
        }
        else
        {
            requests.Receive(envelope.Epoch, outcome);
        }
    }

    // Null: it is none.
    private bool? TryAdd(Client? client, string code, ulong epoch, PeerRequest request)
    {
        if (!PairingCode.IsValid(request.FromCode) || PairingCode.CheckKey(request.FromKey) is not null || !ClientAddresses.TryRead(request.Address, out var address))
        {
            return null;
        }

        var name = ClientMessage.Truncate(request.DisplayName);
        var from = new RemoteClient(epoch, request.Session);
        return request.Kind switch
        {
            PeerRequest.Types.Kind.Pair => client is not null && pairing.TryRequest(Pending(RequestKind.Pair), name.Length > 0 ? name : null),
            PeerRequest.Types.Kind.Link => client is not null && links.TryRequest(Pending(RequestKind.Link)),
            _ => null,
        };

        PendingRequest Pending(RequestKind kind) => new()
        {
            Kind = kind,
            From = from,
            Number = request.Request,
            FromCode = request.FromCode,
            FromKey = request.FromKey,
            FromAddress = address,
            To = client!,
            ToCode = code,
            DeviceName = name,
        };
    }

    private static bool IsValid(PeerRequestOutcome outcome) => outcome.Outcome switch
    {
        PeerRequestOutcome.Types.Outcome.Unspecified => false,
        PeerRequestOutcome.Types.Outcome.Matched => PairingCode.CheckKey(outcome.Key) is null,
        _ => Enum.IsDefined(outcome.Outcome),
    };
}
