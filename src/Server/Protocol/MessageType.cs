namespace Relay.Protocol;

/// <summary>Every message a client may send. The two meanings of <c>register</c> are told apart by the key pairingCode.</summary>
internal enum MessageType
{
    Unknown,
    RegisterCode,
    RegisterPeer,
    PairRequest,
    PairResponse,
    Offer,
    Answer,
    IceCandidate,
    CallOffer,
    CallAnswer,
    CallReject,
    CallHangup,
    CallIce,
    LinkRequest,
    LinkResponse,
    UpstreamMessage,
    StreamStart,
    StreamFrame,
    StreamEnd,
    ChannelSubscribe,
    ChannelOwnerRegister,
    ChunkAnnounce,
    ChunkRequest,
    ChunkPush,
    UpdateLoad,
    Heartbeat,
    RegisterRendezvous,
    AttestRequest,
    AttestResponse,
    GetRelays,
    Ping,
}

/// <summary>The names of the types on the wire.</summary>
internal static class MessageTypes
{
    /// <summary>Wire names in the order of the enum; also the label values of the messages metric.</summary>
    public static readonly string[] Names =
    [
        "unknown", "register", "register", "pair_request", "pair_response", "offer", "answer", "ice_candidate",
        "call_offer", "call_answer", "call_reject", "call_hangup", "call_ice", "link_request", "link_response",
        "upstream-message", "stream-start", "stream-frame", "stream-end", "channel-subscribe",
        "channel-owner-register", "chunk_announce", "chunk_request", "chunk_push", "update_load", "heartbeat",
        "register_rendezvous", "attest_request", "attest_response", "get_relays", "ping",
    ];

    private static readonly Dictionary<string, MessageType> ByName = BuildByName();
    private static readonly Dictionary<string, MessageType>.AlternateLookup<ReadOnlySpan<char>> Lookup =
        ByName.GetAlternateLookup<ReadOnlySpan<char>>();

    /// <summary>The type of a name; "register" gives <see cref="MessageType.RegisterPeer"/>.</summary>
    public static MessageType Find(ReadOnlySpan<byte> utf8Name)
    {
        // The longest name has 22 letters; anything longer is unknown and need not be copied.
        Span<char> chars = stackalloc char[32];
        if (utf8Name.Length > chars.Length
            || System.Text.Ascii.ToUtf16(utf8Name, chars, out var written) != System.Buffers.OperationStatus.Done)
        {
            return MessageType.Unknown;
        }

        return Lookup.TryGetValue(chars[..written], out var type) ? type : MessageType.Unknown;
    }

    public static string Name(MessageType type) => Names[(int)type];

    private static Dictionary<string, MessageType> BuildByName()
    {
        var byName = new Dictionary<string, MessageType>(StringComparer.Ordinal);
        foreach (var type in Enum.GetValues<MessageType>())
        {
            if (type is not (MessageType.Unknown or MessageType.RegisterCode))
            {
                byName.Add(Names[(int)type], type);
            }
        }

        return byName;
    }
}
