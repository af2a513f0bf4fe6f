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
        else if (!TryAdd(client, code, key, link, message.DisplayText("deviceName") ?? "Unknown Browser", out var request))
        {
            // One text for every cause, as with pair requests; for too many of them too, so that they teach nothing.
            client.Send(MessageWriter.Write(new LinkError("Link request could not be processed"), ServerJson.Default.LinkError));
        }
        else
        {
            request.To.Send(MessageWriter.Write(
                new LinkRequested(link, key, request.DeviceName, (long)options.PairRequestTimeout.TotalMilliseconds),
                ServerJson.Default.LinkRequested));
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
        }
        else
        {
            request.From.Send(MessageWriter.Write(new LinkRejected(link), ServerJson.Default.LinkRejected));
        }
    }

    /// <summary>The client has left, browser or phone: the other one is told at once.</summary>
    public void Leave(Client client)
    {
        foreach (var request in pending.TakeAll(RequestKind.Link, client))
        {
            TellTimeout(request.From == client ? request.To : request.From, request);
        }
    }

    /// <summary>Nobody has answered: both are told.</summary>
    public static void Expire(PendingRequest request)
    {
        TellTimeout(request.From, request);
        TellTimeout(request.To, request);
    }

    private bool TryAdd(Client client, string code, string key, string link, string deviceName, out PendingRequest request)
    {
        request = null!;
        if (!_addresses.TryTake(client.Session.Key) || link == code || !presence.TryFindCode(link, out var phone))
        {
            return false;
        }

        request = new PendingRequest
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

        // Only the browser's own earlier request can have been displaced: there is one place.
        return pending.TryAdd(request, out _);
    }

    private static void TellTimeout(Client client, PendingRequest request) =>
        client.Send(MessageWriter.Write(new LinkTimeout(request.ToCode), ServerJson.Default.LinkTimeout));
}
