using Relay.Addresses;
using Relay.Clients;
using Relay.Protocol;
using Relay.RateLimiting;
using Relay.Sessions;

namespace Relay.Signaling;

/// <summary>link_request and link_response: a browser asks a phone to be linked with it.</summary>
internal sealed class LinkHandler(
    ClientDirectory presence, PendingRequests pending, RequestOutcomes outcomes, RemoteRequests remote, SignalingOptions options, TimeProvider time)
{
    private const string UnknownBrowser = "Unknown Browser";

    private readonly AddressRate _addresses = new(options.PairRequestsPerMinutePerIp, time);

    /// <summary>Link requests of addresses.</summary>
    public AddressRate Addresses => _addresses;

    public void Request(Client client, in ClientMessage message)
    {
        var link = message.Text("linkCode")!;
        var key = message.Text("publicKey")!;
        if (client.Code is not { } code)
        {
            client.SendError(SignalForwarder.NotRegistered);
        }
        else if (link.Length == 0)
        {
            client.SendError("Missing required field: linkCode");
        }
        else if (!PairingCode.IsValid(link))
        {
            client.SendError("Invalid link code format");
        }
        else if (PairingCode.CheckKey(key) is { } error)
        {
            client.SendError(error);
        }
        else
        {
            Request(client, code, key, link, message.DisplayText("deviceName") ?? UnknownBrowser);
        }
    }

    public void Respond(Client client, in ClientMessage message)
    {
        var link = message.Text("linkCode")!;
        if (client.Code is not { } code)
        {
            client.SendError(SignalForwarder.NotRegistered);
        }
        else if (!PairingCode.IsValid(link))
        {
            client.SendError("Invalid link code format");
        }
        else if (link != code)
        {
            client.SendError("Cannot respond to link request for another device");
        }
        else if (pending.Take(RequestKind.Link, client) is not { } request)
        {
            client.Send(MessageWriter.Write(new LinkError("No pending link request found"), ServerJson.Default.LinkError));
        }
        else if (message.IsTrue("accepted"))
        {
            outcomes.Match(request, message.DisplayText("deviceId"));
            client.Send(MessageWriter.Write(
                new LinkMatched(link, request.FromKey, IsInitiator: false, request.FromCode, request.DeviceName, DeviceId: null),
                ServerJson.Default.LinkMatched));
            ShowNext(client);
        }
        else
        {
            outcomes.Reject(request);
            ShowNext(client);
        }
    }

    /// <summary>The client has left, browser or phone: the other one is notified at once.</summary>
    public void Leave(Party client)
    {
        foreach (var request in pending.TakeAll(RequestKind.Link, client))
        {
            if (request.To == client)
            {
                outcomes.TimeOut(request);
            }
            else
            {
                TellPhone(request);
            }
        }
    }

    /// <summary>There was no answer, or there can be none: both are notified, and the phone gets the next request.</summary>
    public void Expire(PendingRequest request)
    {
        outcomes.TimeOut(request);
        TellPhone(request);
    }

    /// <summary>The requester has left with its relay: the phone is notified.</summary>
    public void Forget(PendingRequest request) => TellPhone(request);

    /// <summary>What the phone is shown is over: it gets the next request.</summary>
    public void Withdraw(Client phone, string code, in IpKey requester)
    {
        phone.Pass(MessageWriter.Write(new LinkTimeout(code), ServerJson.Default.LinkTimeout), requester);
        ShowNext(phone);
    }

    /// <summary>Shows a request to its phone when its turn comes, if it can be made; if not, the requester has to be told.</summary>
    public bool TryRequest(PendingRequest request)
    {
        if (!pending.TryAdd(request, out var displaced))
        {
            return false;
        }

        // A browser knows that its own repeat replaces what it asked before.
        if (displaced is not null && !displaced.From.Equals(request.From))
        {
            Expire(displaced);
        }

        return ShowNext(request.To, request);
    }

    private void Request(Client client, string code, string key, string link, string deviceName)
    {
        Client? phone = null;
        var mayAsk = _addresses.TryTake(client.Session.Key) && link != code;
        if (mayAsk && !presence.TryFindCode(link, out phone) && remote.IsOn)
        {
            remote.Ask(RequestKind.Link, client, code, key, link, deviceName);
        }
        else if (!mayAsk || phone is null || !TryRequest(RequestOf(client, code, key, phone, link, deviceName)))
        {
            // For too many of them too, so that they teach nothing.
            client.Send(RequestOutcomes.WriteNotPossible(RequestKind.Link));
        }
    }

    private static PendingRequest RequestOf(Client client, string code, string key, Client phone, string link, string deviceName) => new()
    {
        Kind = RequestKind.Link,
        From = client,
        FromCode = code,
        FromKey = key,
        FromAddress = client.Session.Key,
        To = phone,
        ToCode = link,
        DeviceName = deviceName,
    };

    private void TellPhone(PendingRequest ended)
    {
        if (ended.IsShown)
        {
            Withdraw(ended.To, ended.ToCode, ended.FromAddress);
        }
    }

    /// <summary>The phone gets the request whose turn it is. One that does not fit ends; false: so did <paramref name="asked"/>, whose requester does not know yet.</summary>
    private bool ShowNext(Client phone, PendingRequest? asked = null)
    {
        var isOpen = true;
        while (pending.TakeNextToShow(phone) is { } request)
        {
            var seconds = Math.Ceiling((options.PairRequestTimeout - time.GetElapsedTime(request.MadeAt)).TotalSeconds);
            var shown = MessageWriter.Write(
                new LinkRequested(request.ToCode, request.FromKey, request.DeviceName, (long)(Math.Max(seconds, 0) * 1000)), ServerJson.Default.LinkRequested);
            if (phone.TryPass(shown, request.FromAddress) != SendResult.Full)
            {
                break;
            }

            if (!pending.TryEnd(request))
            {
                continue;
            }

            if (request == asked)
            {
                isOpen = false;
            }
            else
            {
                outcomes.TimeOut(request);
            }
        }

        return isOpen;
    }
}
