using System.Text.Json;

namespace Relay.Protocol;

/// <summary>The shape check: which type a message is, and whether its required fields are there and of the right kind.</summary>
internal static class MessageReader
{
    private enum Kind
    {
        Text,
        Boolean,
        Array,

        // Text, null or nothing: the socket's own identity stands in for it.
        OptionalText,
    }

    /// <summary>
    /// Finds the type and checks the fields in the order of docs/protocol.md. Returns null, or the error's text. An
    /// unknown type passes: the router answers it.
    /// </summary>
    public static string? Check(in ClientMessage message, out MessageType type)
    {
        type = MessageType.Unknown;
        if (message.Kind is not (JsonValueKind.Object or JsonValueKind.Array))
        {
            return "Message must be a JSON object";
        }

        var name = message.Value("type");
        if (!name.IsText)
        {
            return "Missing or invalid \"type\" field";
        }

        type = MessageTypes.Find(NameOf(name));
        if (type == MessageType.RegisterPeer && message.Has("pairingCode"))
        {
            type = MessageType.RegisterCode;
        }

        foreach (var (field, kind) in Required(type))
        {
            if (!Fits(message.Value(field), kind))
            {
                return $"{MessageTypes.Name(type)}: {field} must be {Article(kind)}";
            }
        }

        return null;
    }

    private static ReadOnlySpan<byte> NameOf(JsonValue name)
    {
        // Without its quotes. A name spelled with escapes is decoded, as any JSON reader would.
        var raw = name.Raw.Span[1..^1];
        return raw.Contains((byte)'\\') ? System.Text.Encoding.UTF8.GetBytes(name.Text!) : raw;
    }

    private static bool Fits(JsonValue value, Kind kind) => kind switch
    {
        Kind.Text => value.IsText,
        Kind.Boolean => value.ValueKind is JsonValueKind.True or JsonValueKind.False,
        Kind.OptionalText => value.IsText || value.ValueKind is JsonValueKind.Null or JsonValueKind.Undefined,
        _ => value.ValueKind == JsonValueKind.Array,
    };

    private static string Article(Kind kind) => kind switch
    {
        Kind.Boolean => "a boolean",
        Kind.Array => "an array",
        _ => "a string",
    };

    private static ReadOnlySpan<(string Field, Kind Kind)> Required(MessageType type) => Fields[(int)type];

    private static readonly (string Field, Kind Kind)[][] Fields = BuildFields();

    private static (string Field, Kind Kind)[][] BuildFields()
    {
        var fields = new (string, Kind)[Enum.GetValues<MessageType>().Length][];
        foreach (var type in Enum.GetValues<MessageType>())
        {
            fields[(int)type] = type switch
            {
                MessageType.RegisterCode => [("pairingCode", Kind.Text), ("publicKey", Kind.Text)],
                MessageType.RegisterPeer => [("peerId", Kind.Text)],
                MessageType.PairRequest => [("targetCode", Kind.Text)],
                MessageType.PairResponse => [("targetCode", Kind.Text), ("accepted", Kind.Boolean)],
                MessageType.Offer or MessageType.Answer or MessageType.IceCandidate or MessageType.CallOffer
                    or MessageType.CallAnswer or MessageType.CallReject or MessageType.CallHangup
                    or MessageType.CallIce => [("target", Kind.Text)],
                MessageType.LinkRequest => [("linkCode", Kind.Text), ("publicKey", Kind.Text)],
                MessageType.LinkResponse => [("linkCode", Kind.Text), ("accepted", Kind.Boolean)],
                MessageType.UpstreamMessage => [("channelId", Kind.Text), ("ephemeralPublicKey", Kind.Text)],
                MessageType.StreamStart or MessageType.StreamFrame or MessageType.StreamEnd =>
                    [("streamId", Kind.Text), ("channelId", Kind.Text)],
                MessageType.ChannelSubscribe or MessageType.ChannelOwnerRegister => [("channelId", Kind.Text)],
                MessageType.ChunkAnnounce => [("peerId", Kind.OptionalText), ("chunks", Kind.Array)],
                MessageType.ChunkRequest or MessageType.ChunkPush => [("chunkId", Kind.Text), ("channelId", Kind.Text)],
                MessageType.UpdateLoad or MessageType.Heartbeat => [("peerId", Kind.OptionalText)],
                MessageType.RegisterRendezvous => [("peerId", Kind.OptionalText), ("relayId", Kind.OptionalText)],
                MessageType.AttestRequest => [("build_token", Kind.Text), ("device_id", Kind.Text)],
                MessageType.AttestResponse => [("nonce", Kind.Text), ("responses", Kind.Array)],
                _ => [],
            };
        }

        return fields;
    }
}
