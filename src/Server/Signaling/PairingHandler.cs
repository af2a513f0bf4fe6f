using Relay.Clients;
using Relay.Identity;
using Relay.Protocol;

namespace Relay.Signaling;

/// <summary>register by pairing code, pair_request and pair_response.</summary>
internal sealed class PairingHandler(
    ClientDirectory presence,
    NameClaims claims,
    PendingRequests pending,
    PairRequestRate rate,
    MatchTable matches,
    SignalingOptions options,
    ServerIdentity identity)
{
    // One text for every cause, so that asking is no way to learn which codes exist.
    private const string NotPossible = "Pair request could not be processed";

    public ValueTask RegisterAsync(Client client, in ClientMessage message)
    {
        var code = message.Text("pairingCode")!;
        var key = message.Text("publicKey")!;
        var error = code.Length == 0 ? "Missing required field: pairingCode"
            : !PairingCode.IsValid(code) ? "Invalid pairing code format"
            : PairingCode.CheckKey(key);
        if (error is not null)
        {
            client.SendError(error);
            return ValueTask.CompletedTask;
        }

        var claim = claims.ClaimCodeAsync(client, code, key);
        if (claim.IsCompletedSuccessfully)
        {
            Answer(client, code, claim.Result);
            return ValueTask.CompletedTask;
        }

        return AnswerLaterAsync(client, code, claim);
    }

    public void Request(Client client, in ClientMessage message)
    {
        if (!rate.TryTake(client))
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
        else if (!TryAdd(client, code, target, out var request, out var displaced))
        {
            client.Send(MessageWriter.Write(new PairError(NotPossible), ServerJson.Default.PairError));
        }
        else
        {
            // A requester knows that its own repeat replaces what it asked before.
            if (displaced is not null && displaced.From != client)
            {
                Expire(displaced);
            }

            request.To.Send(MessageWriter.Write(
                new PairIncoming(code, request.FromKey, (long)options.PairRequestTimeout.TotalMilliseconds, message.DisplayText("proposedName")),
                ServerJson.Default.PairIncoming));
        }
    }

    public void Respond(Client client, in ClientMessage message)
    {
        var requester = message.Text("targetCode")!;
        if (client.Code is not { } code)
        {
            client.SendError(SignalForwarder.NotRegistered);
        }
        else if (!PairingCode.IsValid(requester))
        {
            client.SendError("Invalid target code format");
        }
        else if (pending.Take(RequestKind.Pair, client, requester) is not { } request)
        {
            client.Send(MessageWriter.Write(new PairError("No pending request from this peer"), ServerJson.Default.PairError));
        }
        else if (message.IsTrue("accepted"))
        {
            matches.Add(request.From, client);
            request.From.Send(MessageWriter.Write(new PairMatched(code, client.PublicKey, IsInitiator: true), ServerJson.Default.PairMatched));
            client.Send(MessageWriter.Write(
                new PairMatched(requester, request.FromKey, IsInitiator: false), ServerJson.Default.PairMatched));
        }
        else
        {
            request.From.Send(MessageWriter.Write(new PairRejected(code), ServerJson.Default.PairRejected));
        }
    }

    /// <summary>The client has left: those who wait for its answer are notified at once.</summary>
    public void Leave(Client client)
    {
        foreach (var request in pending.TakeAll(RequestKind.Pair, client))
        {
            if (request.To == client)
            {
                Expire(request);
            }
        }
    }

    /// <summary>No answer yet, and there is not much time left: both are notified.</summary>
    public void Warn(PendingRequest request)
    {
        var seconds = (long)Math.Ceiling(options.PairRequestWarning.TotalSeconds);
        request.From.Send(MessageWriter.Write(new PairExpiring(request.ToCode, seconds), ServerJson.Default.PairExpiring));
        request.To.Send(MessageWriter.Write(new PairExpiring(request.FromCode, seconds), ServerJson.Default.PairExpiring));
    }

    /// <summary>There was no answer, or there can be none: the requester is notified.</summary>
    public static void Expire(PendingRequest request) =>
        request.From.Send(MessageWriter.Write(new PairTimeout(request.ToCode), ServerJson.Default.PairTimeout));

    private async ValueTask AnswerLaterAsync(Client client, string code, ValueTask<Claim> claim) => Answer(client, code, await claim);

    private void Answer(Client client, string code, Claim claim) => client.Send(claim switch
    {
        Claim.HasAnother => MessageWriter.Error("Cannot re-register with a different pairing code"),
        Claim.HeldByAnother => MessageWriter.Write(
            new CodeCollision("Pairing code already in use. Please reconnect with a new code."), ServerJson.Default.CodeCollision),
        _ => MessageWriter.Write(new Registered(code, identity.ServerId), ServerJson.Default.Registered),
    });

    private bool TryAdd(Client client, string code, string target, out PendingRequest request, out PendingRequest? displaced)
    {
        (request, displaced) = (null!, null);
        if (target == code || !presence.TryFindCode(target, out var to))
        {
            return false;
        }

        request = new PendingRequest
        {
            Kind = RequestKind.Pair,
            From = client,
            FromCode = code,
            FromKey = client.PublicKey,
            FromAddress = client.Session.Key,
            To = to,
            ToCode = target,
        };
        return pending.TryAdd(request, out displaced);
    }
}
