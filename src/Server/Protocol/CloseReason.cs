namespace Relay.Protocol;

/// <summary>Why a session ended. Each has one metric label, and those that the server decides have one close frame.</summary>
internal enum CloseReason
{
    None,

    /// <summary>The peer sent a close frame.</summary>
    PeerClosed,

    /// <summary>The connection broke without one.</summary>
    PeerGone,
    MessageTooBig,

    /// <summary>A frame that RFC 6455 forbids, or text that is not UTF-8; answered with 1002 or 1007.</summary>
    ProtocolError,
    RateLimited,
    HeartbeatTimeout,
    RegistrationTimeout,

    /// <summary>A message was begun and not finished in time.</summary>
    MessageTimeout,

    /// <summary>The outgoing queue was full.</summary>
    SlowConsumer,

    /// <summary>One write took longer than the send timeout: the peer does not read.</summary>
    WriteTimeout,
    Shutdown,

    /// <summary>The authority did not accept the client's attestation.</summary>
    AttestationFailed,

    /// <summary>A limit was lowered, and the operator wanted those above it to go.</summary>
    Evicted,

    /// <summary>The operator banned the address and wanted its sockets to go.</summary>
    Banned,

    /// <summary>The operator ended it, with a close frame of their choice.</summary>
    Disconnected,

    /// <summary>The relay is being emptied.</summary>
    Drained,

    /// <summary>An exception of ours; logged as an error.</summary>
    InternalError,

    // Peer servers only.
    HandshakeTimeout,
    HandshakeInvalid,
    HandshakeStale,
    HandshakeReplayed,
    ServerNotListed,
    DuplicateLink,
    PeerLimit,
}

/// <summary>The close frame and the metric label of each reason.</summary>
internal static class CloseReasons
{
    /// <summary>Close code and text, or (0, "") where no frame of ours goes out.</summary>
    public static (ushort Code, string Text) Frame(CloseReason reason) => reason switch
    {
        CloseReason.MessageTooBig => (1009, ""),
        CloseReason.RateLimited => (1008, "Rate limit exceeded"),
        CloseReason.HeartbeatTimeout => (1001, "Heartbeat timeout"),
        CloseReason.RegistrationTimeout => (1008, "Registration timeout"),
        CloseReason.MessageTimeout => (1008, "Message timeout"),
        CloseReason.SlowConsumer => (1013, "Slow consumer"),
        CloseReason.Shutdown => (1001, "Server shutting down"),
        CloseReason.AttestationFailed => (4001, "Attestation failed"),
        CloseReason.Evicted => (1013, "Server at capacity"),
        CloseReason.Banned => (1008, "Banned"),
        CloseReason.Drained => (1012, "Server draining"),
        CloseReason.InternalError => (1011, "Internal server error"),
        CloseReason.HandshakeTimeout => (4000, "Handshake timeout"),
        CloseReason.HandshakeInvalid => (4001, "Invalid handshake signature"),
        CloseReason.HandshakeStale => (4001, "Handshake timestamp out of range"),
        CloseReason.HandshakeReplayed => (4001, "Handshake already used"),
        CloseReason.ServerNotListed => (1008, "Server not listed"),
        CloseReason.DuplicateLink => (4003, "Duplicate connection"),
        CloseReason.PeerLimit => (1013, "Server at capacity"),
        _ => (0, ""),
    };

    /// <summary>True when what still waits in the outgoing queue is thrown away: the peer does not read it, or must not get it.</summary>
    public static bool DropsQueue(CloseReason reason) => reason is
        CloseReason.SlowConsumer or CloseReason.WriteTimeout or CloseReason.PeerGone or CloseReason.ProtocolError;

    /// <summary>True when the client broke the protocol, or would not be slowed down: such things count towards an automatic ban.</summary>
    public static bool IsMisdeed(CloseReason reason) => reason is
        CloseReason.MessageTooBig or CloseReason.ProtocolError or CloseReason.RateLimited or CloseReason.MessageTimeout;

    /// <summary>Why the session of a client may end.</summary>
    public static readonly IReadOnlyList<CloseReason> OfClients =
        [.. Enum.GetValues<CloseReason>().Where(reason => reason is > CloseReason.None and < CloseReason.HandshakeTimeout)];

    /// <summary>Why a peer server may be refused.</summary>
    public static readonly IReadOnlyList<CloseReason> OfPeers =
        [.. Enum.GetValues<CloseReason>().Where(reason => reason >= CloseReason.HandshakeTimeout)];

    public static string Label(CloseReason reason) => Labels[(int)reason];

    /// <summary>Label values in the order of the enum.</summary>
    public static readonly string[] Labels =
    [
        "none", "peer_closed", "peer_gone", "message_too_big", "protocol_error", "rate_limited", "heartbeat_timeout",
        "registration_timeout", "message_timeout", "slow_consumer", "write_timeout", "shutdown", "attestation_failed", "evicted", "banned", "disconnected", "drained", "internal_error",
        "handshake_timeout", "handshake_invalid", "handshake_stale", "handshake_replayed", "server_not_listed",
        "duplicate_link", "peer_limit",
    ];
}
