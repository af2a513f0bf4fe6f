using System.Text.Json;
using Relay.Protocol;
using Relay.Signaling;
using static Relay.Protocol.MessageField;

namespace Relay;

/// <summary>
/// The client protocol's table: every message that a client may send. Names, checks, dispatch, the metric's labels and the
/// table in docs/protocol.md come from here.
/// </summary>
internal static class ClientMessages
{
    /// <summary>Stands for every name that is not in the table, and for what has none.</summary>
    public static readonly MessageDefinition Unknown =
        new("unknown", m => m.Client.SendError($"Unknown message type: {ClientMessage.Truncate(m.Message.Text("type")!)}"));

    /// <summary>In the order of docs/protocol.md. Of one name the meanings with a key come first.</summary>
    public static readonly IReadOnlyList<MessageDefinition> All =
    [
        new("register", m => m.Handlers.Pairing.RegisterAsync(m.Client, m.Message), String("pairingCode"), String("publicKey"))
        {
            Key = "pairingCode",
            ChecksPeerId = false,
        },
        new("register", m => m.Handlers.Relays.RegisterAsync(m.Client, m.Message), String("peerId")) { ChecksPeerId = false },
        new("pair_request", m => m.Handlers.Pairing.Request(m.Client, m.Message), String("targetCode")),
        new("pair_response", m => m.Handlers.Pairing.Respond(m.Client, m.Message), String("targetCode"), Boolean("accepted")),
        new("offer", Forward, String("target")),
        new("answer", Forward, String("target")),
        new("ice_candidate", Forward, String("target")),
        new("call_offer", ForwardCall, String("target")),
        new("call_answer", ForwardCall, String("target")),
        new("call_reject", ForwardCall, String("target")),
        new("call_hangup", ForwardCall, String("target")),
        new("call_ice", ForwardCall, String("target")),
        new("link_request", m => m.Handlers.Links.Request(m.Client, m.Message), String("linkCode"), String("publicKey")),
        new("link_response", m => m.Handlers.Links.Respond(m.Client, m.Message), String("linkCode"), Boolean("accepted")),
        new("upstream-message", m => m.Handlers.Channels.SendUpstream(m.Client, m.Message), String("channelId"), String("ephemeralPublicKey")),
        new("stream-start", m => m.Handlers.Streams.Start(m.Client, m.Message), String("streamId"), String("channelId")),
        new("stream-frame", m => m.Handlers.Streams.Frame(m.Client, m.Message, m.ReceivedAt), String("streamId"), String("channelId")),
        new("stream-end", m => m.Handlers.Streams.End(m.Client, m.Message), String("streamId"), String("channelId")),
        new("channel-subscribe", SubscribeAsync, String("channelId")),
        new("channel-owner-register", m => m.Handlers.Channels.RegisterOwnerAsync(m.Client, m.Message), String("channelId")),
        new("chunk_announce", m => m.Handlers.Chunks.Announce(m.Client, m.Message), OptionalString("peerId"), Array("chunks"))
        {
            NeedsAttestation = true,
        },
        new("chunk_request", m => m.Handlers.Chunks.RequestAsync(m.Client, m.Message), String("chunkId"), String("channelId"))
        {
            NeedsAttestation = true,
        },
        new("chunk_push", m => m.Handlers.Chunks.PushAsync(m.Client, m.Message), String("chunkId"), String("channelId"))
        {
            NeedsAttestation = true,
        },
        new("update_load", m => m.Handlers.Relays.UpdateLoad(m.Client, m.Message), OptionalString("peerId")),
        new("heartbeat", m => m.Handlers.Relays.Heartbeat(m.Client, m.Message), OptionalString("peerId")),
        new("register_rendezvous", m => m.Handlers.Rendezvous.RegisterAsync(m.Client, m.Message), OptionalString("peerId"), OptionalString("relayId")),
        new("attest_request", m => m.Handlers.Attestation.RequestAsync(m.Client, m.Message), String("build_token"), String("device_id")),
        new("attest_response", m => m.Handlers.Attestation.RespondAsync(m.Client, m.Message), String("nonce"), Array("responses")),
        new("ping", m => m.Client.Send(MessageWriter.Write(new Pong(), ServerJson.Default.Pong))),
        new("get_relays", m => m.Handlers.Relays.Offer(m.Client, m.Message)) { ChecksPeerId = false },
    ];

    /// <summary>Every field that is read: those that are checked, and those that handlers look at themselves. Others take no memory.</summary>
    public static readonly FieldNames Fields = new(
    [
        .. All.SelectMany(definition => definition.Fields, (_, field) => field.Name),
        "type", "peerId", "relayId", "payload", "message", "frame", "data", "title", "proposedName", "deviceName", "deviceId",
        "connectedCount", "maxConnections", "count", "version", "dailyPoints", "daily_points", "hourlyTokens", "hourly_tokens",
        "deadDrop", "dead_drops", "deadDrops",
    ]);

    private static readonly NameTable<MessageDefinition[]> ByName = new(All
        .GroupBy(definition => definition.Name)
        .Select(meanings => KeyValuePair.Create(meanings.Key, meanings.ToArray())));

    /// <summary>Every name once, and that of <see cref="Unknown"/>.</summary>
    public static IEnumerable<string> Names => All.Select(definition => definition.Name).Prepend(Unknown.Name).Distinct();

    /// <summary>
    /// Finds a message's definition and checks its fields. Returns null, or the error's text; without a type, and for an
    /// unknown one, which is no error here, the definition is <see cref="Unknown"/>.
    /// </summary>
    public static string? Check(in ClientMessage message, out MessageDefinition definition)
    {
        definition = Unknown;
        if (message.Kind is not (JsonValueKind.Object or JsonValueKind.Array))
        {
            return "Message must be a JSON object";
        }

        var name = message.Value("type");
        if (!name.IsText)
        {
            return "Missing or invalid \"type\" field";
        }

        foreach (var meaning in ByName.Find(name.Raw.Span) ?? [])
        {
            if (meaning.Key is null || message.Has(meaning.Key))
            {
                definition = meaning;
                break;
            }
        }

        return definition.CheckFields(message);
    }

    private static void Forward(ReceivedMessage m) =>
        m.Handlers.Signals.Forward(m.Client, m.Definition.Name, m.Message, m.ReceivedAt);

    private static void ForwardCall(ReceivedMessage m) =>
        m.Handlers.Signals.Forward(m.Client, m.Definition.Name, m.Message, m.ReceivedAt, CallPayload.FindError(m.Definition.Name, m.Message.Value("payload")));

    private static ValueTask SubscribeAsync(ReceivedMessage m)
    {
        var channelId = m.Message.Text("channelId")!;
        var subscribed = m.Handlers.Channels.SubscribeAsync(m.Client, channelId);
        if (!subscribed.IsCompletedSuccessfully)
        {
            return FinishAsync();
        }

        return subscribed.Result ? m.Handlers.Chunks.TellKeptAsync(m.Client, channelId) : ValueTask.CompletedTask;

        async ValueTask FinishAsync()
        {
            if (await subscribed)
            {
                await m.Handlers.Chunks.TellKeptAsync(m.Client, channelId);
            }
        }
    }
}
