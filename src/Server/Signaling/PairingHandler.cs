using Relay.Identity;
using Relay.Presence;
using Relay.Protocol;

namespace Relay.Signaling;

/// <summary>register by pairing code, pair_request and pair_response.</summary>
internal sealed class PairingHandler
{
    // One text for every cause, so that asking is no way to learn which codes exist.
    private const string NotPossible = "Pair request could not be processed";

    private readonly PresenceTable _presence;
    private readonly PendingRequests _pending;
    private readonly PairRequestRate _rate;
    private readonly SignalingOptions _options;
    private readonly ServerIdentity _identity;
    private readonly TimeProvider _time;

    public PairingHandler(
        PresenceTable presence,
        PendingRequests pending,
        PairRequestRate rate,
        SignalingOptions options,
        ServerIdentity identity,
        TimeProvider time)
    {
        _presence = presence;
        _pending = pending;
        _rate = rate;
        _options = options;
        _identity = identity;
        _time = time;
        pending.Expiring = Warn;
        pending.Expired = Expire;
    }

    public void Register(Client client, in ClientMessage message)
    {
        var code = message.Text("pairingCode")!;
        var key = message.Text("publicKey")!;
        var mistake = code.Length == 0 ? "Missing required field: pairingCode"
            : !PairingCode.IsValid(code) ? "Invalid pairing code format"
            : PairingCode.CheckKey(key);
        if (mistake is not null)
        {
            client.SendError(mistake);
            return;
        }

        client.Send(_presence.ClaimCode(client, code, key) switch
        {
            Claim.HasAnother => MessageWriter.Error("Cannot re-register with a different pairing code"),
            Claim.HeldByAnother => MessageWriter.Write(
                new CodeCollision("Pairing code already in use. Please reconnect with a new code."), ServerJson.Default.CodeCollision),
            _ => MessageWriter.Write(new Registered(code, _identity.ServerId), ServerJson.Default.Registered),
        });
    }

    public void Request(Client client, in ClientMessage message)
    {
        if (!_rate.TryTake(client))
        {
            client.SendError("Too many pair requests. Please slow down.");
            return;
        }

        var target = message.Text("targetCode")!;
        if (client.Code is not { } code)
        {
            client.SendError(SignalForwarder.NotRegistered);
        }
        else if (target.Length == 0)
        {
            client.SendError("Missing required field: targetCode");
        }
        else if (!PairingCode.IsValid(target))
        {
            client.SendError("Invalid target code format");
        }
        else if (target == code
            || !_presence.TryFindCode(target, out var targetClient, out _)
            || !_presence.TryFindCode(code, out _, out var key)
            || !_pending.TryAdd(new PendingRequest(client, code, key, target, _time.GetTimestamp())))
        {
            client.Send(MessageWriter.Write(new PairError(NotPossible), ServerJson.Default.PairError));
        }
        else
        {
            targetClient.Send(MessageWriter.Write(
                new PairIncoming(code, key, (long)_options.PairRequestTimeout.TotalMilliseconds, message.DisplayText("proposedName")),
                ServerJson.Default.PairIncoming));

            // The target may have left between being found and being entered: then nobody else ends the request.
            if (!_presence.TryFindCode(target, out var present, out _) || present != targetClient)
            {
                if (_pending.Take(code, target) is { } orphan)
                {
                    Expire(orphan);
                }
            }
        }
    }

    public void Respond(Client client, in ClientMessage message)
    {
        var requester = message.Text("targetCode")!;
        if (client.Code is not { } code || !_presence.TryFindCode(code, out _, out var key))
        {
            client.SendError(SignalForwarder.NotRegistered);
        }
        else if (!PairingCode.IsValid(requester))
        {
            client.SendError("Invalid target code format");
        }
        else if (_pending.Take(requester, code) is not { } request)
        {
            client.Send(MessageWriter.Write(new PairError("No pending request from this peer"), ServerJson.Default.PairError));
        }
        else if (message.IsTrue("accepted"))
        {
            request.From.Send(MessageWriter.Write(new PairMatched(code, key, IsInitiator: true), ServerJson.Default.PairMatched));
            client.Send(MessageWriter.Write(
                new PairMatched(requester, request.FromKey, IsInitiator: false), ServerJson.Default.PairMatched));
        }
        else
        {
            request.From.Send(MessageWriter.Write(new PairRejected(code), ServerJson.Default.PairRejected));
        }
    }

    /// <summary>The client has left: whoever waits for its answer is told at once.</summary>
    public void Leave(Client client)
    {
        if (client.Code is not { } code)
        {
            return;
        }

        foreach (var request in _pending.RemoveCode(code))
        {
            Expire(request);
        }
    }

    private void Warn(PendingRequest request)
    {
        var seconds = (long)Math.Ceiling(_options.PairRequestWarning.TotalSeconds);
        request.From.Send(MessageWriter.Write(new PairExpiring(request.ToCode, seconds), ServerJson.Default.PairExpiring));
        if (_presence.TryFindCode(request.ToCode, out var target, out _))
        {
            target.Send(MessageWriter.Write(new PairExpiring(request.FromCode, seconds), ServerJson.Default.PairExpiring));
        }
    }

    private static void Expire(PendingRequest request) =>
        request.From.Send(MessageWriter.Write(new PairTimeout(request.ToCode), ServerJson.Default.PairTimeout));
}
