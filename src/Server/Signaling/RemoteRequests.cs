using Relay.Clients;
using Relay.Cluster;
using Relay.Cluster.V1;
using Relay.Protocol;
using Outcome = Relay.Cluster.V1.PeerRequestOutcome.Types.Outcome;

namespace Relay.Signaling;

/// <summary>
/// Requests of this relay's clients to clients of other relays, which wait there, and at which relays something of a client is: those are
/// told when it leaves.
/// </summary>
internal sealed class RemoteRequests(
    ClusterOptions cluster, ClusterSubjects subjects, ClusterBus bus, MatchTable matches, SignalingOptions options, TimeProvider time)
{
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    // The relay that has the request ends it; this one does when it has not heard of that.
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(3);

    private readonly Lock _lock = new();

    // Guarded by _lock, all of the following.
    private readonly Dictionary<long, RemoteRequest> _open = [];
    private readonly Dictionary<(Client, RequestKind, string), long> _latest = [];
    private readonly Dictionary<Client, HashSet<ulong>> _ties = [];
    private long _last;

    /// <summary>Whether there are other relays.</summary>
    public bool IsOn => cluster.IsOn;

    public int Count
    {
        get
        {
            lock (_lock)
            {
                return _open.Count;
            }
        }
    }

    /// <summary>Asks for the client with a code, wherever it is; the client is told what comes of it.</summary>
    /// <param name="displayName">How the client calls itself, or its device; null: not at all.</param>
    public void Ask(RequestKind kind, Client client, string code, string key, string target, string? displayName)
    {
        RemoteRequest request;
        lock (_lock)
        {
            request = new RemoteRequest(++_last, kind, client, target, _latest.GetValueOrDefault((client, kind, target)), time.GetTimestamp());
            _latest[(client, kind, target)] = request.Number;
            _open.Add(request.Number, request);
        }

        _ = FinishAsync(request, bus.AskAsync(subjects.Holder("code", target), new Envelope
        {
            PeerRequest = new PeerRequest
            {
                Kind = kind == RequestKind.Pair ? PeerRequest.Types.Kind.Pair : PeerRequest.Types.Kind.Link,
                Request = request.Number,
                Session = client.Session.Id,
                FromCode = code,
                FromKey = key,
                Address = ClientAddresses.ToMessage(client.Session.Key),
                DisplayName = displayName ?? "",
            },
        }));
    }

    /// <summary>What came of a request at the relay of this epoch. False: there is none like it.</summary>
    public bool Receive(ulong epoch, PeerRequestOutcome outcome)
    {
        RemoteRequest? request;
        lock (_lock)
        {
            if (!_open.TryGetValue(outcome.Request, out request) || (request.Epoch != 0 && request.Epoch != epoch))
            {
                return false;
            }

            if (outcome.Outcome != Outcome.Expiring)
            {
                End(request);
            }
        }

        if (outcome.Outcome == Outcome.Matched)
        {
            outcome.DeviceId = ClientMessage.Truncate(outcome.DeviceId);
            matches.Add(request.Client, new RemoteClient(epoch, outcome.Session));
            Tie(request.Client, epoch);
        }

        request.Client.Send(RequestOutcomes.Write(request.Kind, request.Target, outcome, options));
        return true;
    }

    /// <summary>Something of a client is at the relay of this epoch.</summary>
    public void Tie(Client client, ulong epoch)
    {
        lock (_lock)
        {
            // A client is marked before its ties are taken out.
            if (!client.HasLeft)
            {
                TiesOf(client).Add(epoch);
                return;
            }
        }

        SendLeft(client, epoch);
    }

    /// <summary>The client has left: the other relays forget it.</summary>
    public void Leave(Client client)
    {
        if (!cluster.IsOn)
        {
            return;
        }

        HashSet<ulong>? epochs;
        lock (_lock)
        {
            _ties.Remove(client, out epochs);
        }

        foreach (var epoch in epochs ?? [])
        {
            SendLeft(client, epoch);
        }
    }

    /// <summary>Ends the requests that wait at a relay that is gone.</summary>
    public void ForgetNode(ulong epoch)
    {
        lock (_lock)
        {
            foreach (var (client, epochs) in _ties)
            {
                if (epochs.Remove(epoch) && epochs.Count == 0)
                {
                    _ties.Remove(client);
                }
            }
        }

        TimeOut(request => request.Epoch == epoch);
    }

    /// <summary>Ends the requests that the other relay should have ended.</summary>
    public void Sweep() => TimeOut(request => time.GetElapsedTime(request.MadeAt) >= options.PairRequestTimeout + Grace || request.Client.HasReleased);

    private async Task FinishAsync(RemoteRequest request, Task<Answer> asked)
    {
        var answer = await asked;
        var isWaiting = answer.Message?.PeerRequestAnswer?.Result == PeerRequestAnswer.Types.Result.Waiting;
        bool wasOpen;
        lock (_lock)
        {
            wasOpen = _open.ContainsKey(request.Number);
            if (isWaiting)
            {
                request.Epoch = answer.Message!.Epoch;

                // A repeat takes the place of what was asked before, there too.
                _open.Remove(request.Replaces);
            }
            else
            {
                End(request);
            }
        }

        if (isWaiting)
        {
            Tie(request.Client, request.Epoch);
        }
        else if (wasOpen)
        {
            request.Client.Send(RequestOutcomes.WriteNotPossible(request.Kind));
        }
    }

    private void TimeOut(Func<RemoteRequest, bool> condition)
    {
        List<RemoteRequest> ended;
        lock (_lock)
        {
            ended = [.. _open.Values.Where(condition)];
            ended.ForEach(End);
        }

        foreach (var request in ended)
        {
            request.Client.Send(RequestOutcomes.Write(request.Kind, request.Target, new PeerRequestOutcome { Outcome = Outcome.TimedOut }, options));
        }
    }

    // Guarded by _lock, like the next.
    private void End(RemoteRequest request)
    {
        var key = (request.Client, request.Kind, request.Target);
        _open.Remove(request.Number);
        if (_latest.GetValueOrDefault(key) == request.Number)
        {
            _latest.Remove(key);
        }
    }

    private HashSet<ulong> TiesOf(Client client)
    {
        if (!_ties.TryGetValue(client, out var epochs))
        {
            _ties.Add(client, epochs = []);
        }

        return epochs;
    }

    private void SendLeft(Client client, ulong epoch) =>
        bus.TrySend(subjects.Node(epoch, ClusterSignals.Subject), new Envelope { ClientLeft = new ClientLeft { Session = client.Session.Id } });
}
