using Google.Protobuf;
using Relay.Clients;
using Relay.Cluster;
using Relay.Cluster.V1;
using Relay.Protocol;
using Relay.Sessions;
using Result = Relay.Cluster.V1.ForwardAnswer.Types.Result;

namespace Relay.Signaling;

/// <summary>
/// Offers, answers, candidates and calls between relays. Questions leave in the order of the calls and are handled in that order, so that
/// one sender's messages to one socket keep theirs.
/// </summary>
internal sealed class RemoteForwards(
    ClusterOptions cluster, ClusterSubjects subjects, ClusterBus bus, MatchTable matches, SignalingOptions options, Sessions.ClientSessionOptions sessions)
{
    /// <summary>Messages of one client that may be on their way to other relays; one more is refused.</summary>
    public const int MaxInFlight = 256;

    private readonly Lock _lock = new();

    // Guarded by _lock.
    private readonly Dictionary<Client, int> _inFlight = [];

    /// <summary>Whether there are other relays.</summary>
    public bool IsOn => cluster.IsOn;

    /// <summary>Clients whose messages are on their way.</summary>
    public int Count
    {
        get
        {
            lock (_lock)
            {
                return _inFlight.Count;
            }
        }
    }

    /// <summary>Passes a message on to the client with a code, wherever it is. Does not wait; the sender is told if it does not arrive.</summary>
    public void Forward(Client client, string code, string type, string target, ReadOnlySpan<byte> payload)
    {
        if (!TryBegin(client))
        {
            SignalForwarder.SendBusy(client);
            return;
        }

        _ = FinishAsync(client, target, bus.AskAsync(subjects.Holder("code", target), new Envelope
        {
            Forward = new Forward
            {
                Type = type,
                FromCode = code,
                Payload = ByteString.CopyFrom(payload),
                Address = ClientAddresses.ToMessage(client.Session.Key),
                Session = client.Session.Id,
            },
        }));
    }

    /// <summary>A message of another relay's client to one of this relay; null: it has left. Null answer: the message is none.</summary>
    public Result? Receive(Client? to, ulong epoch, Forward forward)
    {
        if (!SignalForwarder.Types.Contains(forward.Type) || !PairingCode.IsValid(forward.FromCode) || !ClientAddresses.TryRead(forward.Address, out var address)
            || forward.Payload.Length > sessions.MaxMessageBytes || !(forward.Payload.IsEmpty || JsonText.IsJson(forward.Payload.Span)))
        {
            return null;
        }

        return to is null ? Result.NotFound
            : !matches.Allows(new RemoteClient(epoch, forward.Session), to) ? Result.NotPaired
            : to.TryPass(MessageWriter.Forward(forward.Type, forward.FromCode, forward.Payload.Span, receivedAt: 0), address) switch
            {
                SendResult.Accepted => Result.Passed,
                SendResult.Full => Result.Busy,
                _ => Result.NotFound,
            };
    }

    /// <summary>A client of another relay has left.</summary>
    public void Leave(RemoteClient client) => matches.Forget(client);

    /// <summary>The relay of this epoch is gone.</summary>
    public void ForgetNode(ulong epoch) => matches.ForgetNode(epoch);

    private bool TryBegin(Client client)
    {
        lock (_lock)
        {
            var inFlight = _inFlight.GetValueOrDefault(client);
            if (inFlight < MaxInFlight)
            {
                _inFlight[client] = inFlight + 1;
            }

            return inFlight < MaxInFlight;
        }
    }

    private async Task FinishAsync(Client client, string target, Task<Answer> asked)
    {
        var answer = await asked;
        lock (_lock)
        {
            if (--_inFlight[client] is 0)
            {
                _inFlight.Remove(client);
            }
        }

        switch (answer.Message?.ForwardAnswer?.Result ?? Result.NotFound)
        {
            case Result.Passed:
                break;
            case Result.Busy:
                SignalForwarder.SendBusy(client);
                break;
            case Result.NotPaired:
                client.SendError(SignalForwarder.NotPaired);
                break;
            default:
                SignalForwarder.SendNotFound(client, target, options);
                break;
        }
    }
}
