using System.Diagnostics.CodeAnalysis;
using Relay.Clients;
using Relay.Protocol;
using Relay.RateLimiting;

namespace Relay.Signaling;

/// <summary>link_request and link_response: a browser asks a phone to be linked with it.</summary>
internal sealed class LinkHandler(
    ClientDirectory presence, PendingRequests pending, MatchTable matches, SignalingOptions options, TimeProvider time)
{
    private readonly AddressRate _addresses = new(options.PairRequestsPerMinutePerIp, time);

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
        else if (!TryAdd(client, code, key, link, message.DisplayText("deviceName") ?? "Unknown Browser", out var phone))
        {
            // One text for every cause, as with pair requests; for too many of them too, so that they teach nothing.
            client.Send(MessageWriter.Write(new LinkError("Link request could not be processed"), ServerJson.Default.LinkError));
        }
        else
        {
            ShowNext(phone);
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
            matches.Add(request.From, client);
            request.From.Send(MessageWriter.Write(
                new LinkMatched(link, client.PublicKey, IsInitiator: true, WebClientCode: null, DeviceName: null, message.DisplayText("deviceId")),
                ServerJson.Default.LinkMatched));
            client.Send(MessageWriter.Write(
                new LinkMatched(link, request.FromKey, IsInitiator: false, request.FromCode, request.DeviceName, DeviceId: null),
                ServerJson.Default.LinkMatched));
            ShowNext(client);
        }
        else
        {
            request.From.Send(MessageWriter.Write(new LinkRejected(link), ServerJson.Default.LinkRejected));
            ShowNext(client);
        }
    }

    /// <summary>The client has left, browser or phone: the other one is notified at once.</summary>
    public void Leave(Client client)
    {
        foreach (var request in pending.TakeAll(RequestKind.Link, client))
        {
            if (request.To == client)
            {
                TellTimeout(request.From, request);
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
        TellTimeout(request.From, request);
        TellPhone(request);
    }

    private bool TryAdd(Client client, string code, string key, string link, string deviceName, [NotNullWhen(true)] out Client? phone)
    {
        phone = null;
        if (!_addresses.TryTake(client.Session.Key) || link == code || !presence.TryFindCode(link, out phone))
        {
            return false;
        }

        var request = new PendingRequest
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
        if (!pending.TryAdd(request, out var displaced))
        {
            return false;
        }

        // A browser knows that its own repeat replaces what it asked before.
        if (displaced is not null && displaced.From != client)
        {
            Expire(displaced);
        }

        return true;
    }

    private void TellPhone(PendingRequest ended)
    {
        if (ended.IsShown)
        {
            TellTimeout(ended.To, ended);
            ShowNext(ended.To);
        }
    }

    private void ShowNext(Client phone)
    {
        if (pending.TakeNextToShow(phone) is { } request)
        {
            var seconds = Math.Ceiling((options.PairRequestTimeout - time.GetElapsedTime(request.MadeAt)).TotalSeconds);
            phone.Send(MessageWriter.Write(
                new LinkRequested(request.ToCode, request.FromKey, request.DeviceName, (long)(Math.Max(seconds, 0) * 1000)), ServerJson.Default.LinkRequested));
        }
    }

    private static void TellTimeout(Client client, PendingRequest request) =>
        client.Send(MessageWriter.Write(new LinkTimeout(request.ToCode), ServerJson.Default.LinkTimeout));
}
