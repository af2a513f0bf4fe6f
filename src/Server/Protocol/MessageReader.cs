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
        var root = message.Root;
        if (root.ValueKind is not (JsonValueKind.Object or JsonValueKind.Array))
        {
            return "Message must be a JSON object";
        }

        if (root.ValueKind == JsonValueKind.Array || !message.IsString("type"))
        {
            return "Missing or invalid \"type\" field";
        }

        var name = message.Root.GetProperty("type");
        type = MessageTypes.Find(ClientMessageName(name));
        if (type == MessageType.RegisterPeer && message.Has("pairingCode"))
        {
            type = MessageType.RegisterCode;
        }

        foreach (var (field, kind) in Required(type))
        {
            if (!Fits(root, field, kind))
            {
                return $"{MessageTypes.Name(type)}: {field} must be {Article(kind)}";
            }
        }

        return null;
    }

    private static ReadOnlySpan<byte> ClientMessageName(JsonElement name)
    {
        // Without its quotes. A name spelled with escapes is decoded, as any JSON reader would.
        var raw = System.Runtime.InteropServices.JsonMarshal.GetRawUtf8Value(name)[1..^1];
        return raw.Contains((byte)'\\') ? System.Text.Encoding.UTF8.GetBytes(ClientMessage.Text(name)) : raw;
    }

    private static bool Fits(JsonElement root, string field, Kind kind)
    {
        var value = root.TryGetProperty(field, out var found) ? found.ValueKind : JsonValueKind.Undefined;
        return kind switch
        {
            Kind.Text => value == JsonValueKind.String,
            Kind.Boolean => value is JsonValueKind.True or JsonValueKind.False,
            Kind.OptionalText => value is JsonValueKind.String or JsonValueKind.Null or JsonValueKind.Undefined,
            _ => value == JsonValueKind.Array,
        };
    }

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
