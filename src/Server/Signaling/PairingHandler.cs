using Relay.Clients;
using Relay.Federation;
using Relay.Identity;
using Relay.Protocol;
using Relay.Sessions;

namespace Relay.Signaling;

/// <summary>register by pairing code, pair_request and pair_response.</summary>
internal sealed class PairingHandler(
    ClientDirectory presence,
    NameClaims claims,
    PendingRequests pending,
    PairRequestRate rate,
    RequestOutcomes outcomes,
    RemoteRequests remote,
    SignalingOptions options,
    ServerIdentity identity,
    FederationRing ring)
{
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
        else if (remote.IsOn && target != code && !presence.TryFindCode(target, out _))
        {
            remote.Ask(RequestKind.Pair, client, code, client.PublicKey, target, message.DisplayText("proposedName"));
        }
        else if (target == code || !presence.TryFindCode(target, out var to) || !TryRequest(RequestOf(client, code, to, target), message.DisplayText("proposedName")))
        {
            client.Send(RequestOutcomes.WriteNotPossible(RequestKind.Pair));
        }
    }

    /// <summary>Shows a request to its target, if it can be made; if not, the requester has to be told.</summary>
    public bool TryRequest(PendingRequest request, string? proposedName)
    {
        if (!pending.TryAdd(request, out var displaced))
        {
            return false;
        }

        // A requester knows that its own repeat replaces what it asked before.
        if (displaced is not null && !displaced.From.Equals(request.From))
        {
            Expire(displaced);
        }

        var incoming = MessageWriter.Write(
            new PairIncoming(request.FromCode, request.FromKey, (long)options.PairRequestTimeout.TotalMilliseconds, proposedName),
            ServerJson.Default.PairIncoming);
        return request.To.TryPass(incoming, request.FromAddress) != SendResult.Full || !pending.TryEnd(request);
    }

    public void Respond(Client client, in ClientMessage message)
    {
        var requester = message.Text("targetCode")!;
        if (client.Code is null)
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
            outcomes.Match(request);
            client.Send(MessageWriter.Write(
                new PairMatched(requester, request.FromKey, IsInitiator: false), ServerJson.Default.PairMatched));
        }
        else
        {
            outcomes.Reject(request);
        }
    }

    /// <summary>The client has left: those who wait for its answer are notified at once.</summary>
    public void Leave(Party client)
    {
        foreach (var request in pending.TakeAll(RequestKind.Pair, client))
        {
            if (request.To == client)
            {
                Expire(request);
            }
        }

        if (client is Client local)
        {
            remote.Leave(local);
        }
    }

    /// <summary>No answer yet, and there is not much time left: both are notified.</summary>
    public void Warn(PendingRequest request)
    {
        outcomes.Warn(request);
        request.To.Pass(MessageWriter.Write(new PairExpiring(request.FromCode, options.WarningSeconds), ServerJson.Default.PairExpiring), request.FromAddress);
    }

    /// <summary>There was no answer, or there can be none: the requester is notified.</summary>
    public void Expire(PendingRequest request) => outcomes.TimeOut(request);

    private async ValueTask AnswerLaterAsync(Client client, string code, ValueTask<Claim> claim) => Answer(client, code, await claim);

    private void Answer(Client client, string code, Claim claim) => client.Send(claim switch
    {
        Claim.HasAnother => MessageWriter.Error("Cannot re-register with a different pairing code"),
        Claim.HeldByAnother => MessageWriter.Write(
            new CodeCollision("Pairing code already in use. Please reconnect with a new code."), ServerJson.Default.CodeCollision),
        _ => MessageWriter.Write(new Registered(code, identity.ServerId, ring.RedirectsOf(code)), ServerJson.Default.Registered),
    });

    private static PendingRequest RequestOf(Client client, string code, Client to, string target) => new()
    {
        Kind = RequestKind.Pair,
        From = client,
        FromCode = code,
        FromKey = client.PublicKey,
        FromAddress = client.Session.Key,
        To = to,
        ToCode = target,
    };
}
