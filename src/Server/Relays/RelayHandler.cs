using System.Text.Json;
using Relay.Clients;
using Relay.Identity;
using Relay.Protocol;

namespace Relay.Relays;

/// <summary>register by peer id, update_load, get_relays and heartbeat.</summary>
internal sealed class RelayHandler(
    NameClaims claims, RelayRegistry registry, RelayOptions options, ServerIdentity identity, TimeProvider time)
{
    // Every answer repeats the keys of up to a hundred relays: a longer key would make a small question a flood.
    public const int MaxKeyLength = 256;

    private const double DefaultMaxConnections = 20;
    private const string InvalidPeerId = "Invalid peerId";

    public ValueTask RegisterAsync(Client client, in ClientMessage message)
    {
        var peerId = message.Text("peerId")!;
        var key = message.Text("publicKey");
        var maxConnections = message.Value("maxConnections") is { ValueKind: JsonValueKind.Undefined or JsonValueKind.Null }
            ? DefaultMaxConnections
            : message.Number("maxConnections") ?? double.NaN;
        var error = !PeerId.IsValid(peerId) ? "Invalid peerId: must be 1-128 alphanumeric characters, hyphens, or underscores"
            : maxConnections is not (>= 1 and <= 1000) ? "maxConnections must be a finite number between 1 and 1000"
            : key?.Length > MaxKeyLength ? "Invalid public key length"
            : null;
        if (error is not null)
        {
            client.SendError(error);
            return ValueTask.CompletedTask;
        }

        key = string.IsNullOrEmpty(key) ? null : key;
        var claim = claims.ClaimPeerIdAsync(client, peerId, key);
        if (claim.IsCompletedSuccessfully)
        {
            Answer(client, peerId, key, maxConnections, claim.Result);
            return ValueTask.CompletedTask;
        }

        return AnswerLaterAsync(client, peerId, key, maxConnections, claim);
    }

    public void UpdateLoad(Client client, in ClientMessage message)
    {
        if (!SpeaksForRelay(client, message))
        {
            return;
        }

        if (message.Number("connectedCount") is not (>= 0 and <= 10_000 and var count))
        {
            client.SendError("Invalid connectedCount");
        }
        else if (registry.TryUpdateLoad(client, client.PeerId!, count))
        {
            client.Send(MessageWriter.Write(new LoadUpdated(client.PeerId!, count), ServerJson.Default.LoadUpdated));
        }
    }

    public void Offer(Client client, in ClientMessage message)
    {
        if (message.Text("peerId") is not { } peerId || !PeerId.IsValid(peerId))
        {
            client.SendError(InvalidPeerId);
            return;
        }

        var count = message.Number("count") is { } wanted ? (int)Math.Clamp(wanted, 1, RelayRegistry.MaxOffered) : options.Offered;
        client.Send(MessageWriter.Write(
            new RelayList(registry.Choose(count, client.PeerId, peerId)), ServerJson.Default.RelayList));
    }

    public void Heartbeat(Client client, in ClientMessage message)
    {
        if (SpeaksForRelay(client, message) && registry.TryTouch(client, client.PeerId!))
        {
            client.Send(MessageWriter.Write(
                new HeartbeatAck(time.GetUtcNow().ToUnixTimeMilliseconds()), ServerJson.Default.HeartbeatAck));
        }
    }

    public void Leave(Client client)
    {
        if (client.PeerId is { } peerId)
        {
            registry.Remove(client, peerId);
        }
    }

    private async ValueTask AnswerLaterAsync(Client client, string peerId, string? key, double maxConnections, ValueTask<Claim> claim) =>
        Answer(client, peerId, key, maxConnections, await claim);

    private void Answer(Client client, string peerId, string? key, double maxConnections, Claim claim)
    {
        switch (claim)
        {
            case Claim.HeldByAnother:
                client.SendError("Peer ID already in use by another connection");
                break;
            case Claim.HasAnother:
                client.SendError("Cannot re-register with a different peerId");
                break;
            default:
                registry.Register(client, client.Session.Key, peerId, key, maxConnections);
                client.Send(MessageWriter.Write(
                    new RegisteredPeer(peerId, identity.ServerId, registry.Choose(options.Offered, peerId, null)),
                    ServerJson.Default.RegisteredPeer));
                break;
        }
    }

    /// <summary>True when the message names the socket's own peer id. Any other id is ignored; an invalid one is an error.</summary>
    private static bool SpeaksForRelay(Client client, in ClientMessage message)
    {
        if (client.NameIn(message) is { } name && PeerId.IsValid(name))
        {
            return name == client.PeerId;
        }

        client.SendError(InvalidPeerId);
        return false;
    }
}
