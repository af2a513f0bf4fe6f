namespace Relay.Protocol;

/// <summary>What follows from a close reason. The code is 0, and the text empty, where the table has no close frame of ours.</summary>
internal sealed record CloseReasonDefinition(CloseReason Reason, string Label, ushort Code = 0, string Text = "")
{
    /// <summary>What still waits in the outgoing queue is dropped: the peer does not read it, or must not get it.</summary>
    public bool DropsQueue { get; init; }

    /// <summary>The client broke the protocol, or would not be slowed down: such things count towards an automatic ban.</summary>
    public bool IsProtocolViolation { get; init; }
}

/// <summary>The table of close reasons; docs/metrics.md has it too.</summary>
internal static class CloseReasons
{
    /// <summary>How a client's session may end.</summary>
    public static readonly IReadOnlyList<CloseReasonDefinition> OfClients =
    [
        new(CloseReason.PeerClosed, "peer_closed"),
        new(CloseReason.PeerGone, "peer_gone") { DropsQueue = true },
        new(CloseReason.MessageTooBig, "message_too_big", 1009) { IsProtocolViolation = true },

        // The codec chooses between 1002 and 1007.
        new(CloseReason.ProtocolError, "protocol_error") { DropsQueue = true, IsProtocolViolation = true },
        new(CloseReason.RateLimited, "rate_limited", 1008, "Rate limit exceeded") { IsProtocolViolation = true },
        new(CloseReason.HeartbeatTimeout, "heartbeat_timeout", 1001, "Heartbeat timeout"),
        new(CloseReason.RegistrationTimeout, "registration_timeout", 1008, "Registration timeout"),
        new(CloseReason.MessageTimeout, "message_timeout", 1008, "Message timeout") { IsProtocolViolation = true },
        new(CloseReason.SlowConsumer, "slow_consumer", 1013, "Slow consumer") { DropsQueue = true },
        new(CloseReason.WriteTimeout, "write_timeout") { DropsQueue = true },
        new(CloseReason.MemoryBudget, "memory_budget", 1013, "Server low on memory") { DropsQueue = true },
        new(CloseReason.Shutdown, "shutdown", 1001, "Server shutting down"),
        new(CloseReason.AttestationFailed, "attestation_failed", 4001, "Attestation failed"),
        new(CloseReason.Evicted, "evicted", 1013, "Server at capacity"),
        new(CloseReason.Banned, "banned", 1008, "Banned"),
        new(CloseReason.Disconnected, "disconnected"),
        new(CloseReason.Drained, "drained", 1012, "Server draining"),
        new(CloseReason.Replaced, "replaced", 1001, "Replaced by a newer connection"),
        new(CloseReason.NameConflict, "name_conflict", 1012, "Name in use on another server"),
        new(CloseReason.InternalError, "internal_error", 1011, "Internal server error"),
    ];

    /// <summary>Why a peer server is refused.</summary>
    public static readonly IReadOnlyList<CloseReasonDefinition> OfPeers =
    [
        new(CloseReason.HandshakeTimeout, "handshake_timeout", 4000, "Handshake timeout"),
        new(CloseReason.HandshakeInvalid, "handshake_invalid", 4001, "Invalid handshake signature"),
        new(CloseReason.HandshakeStale, "handshake_stale", 4001, "Handshake timestamp out of range"),
        new(CloseReason.HandshakeReplayed, "handshake_replayed", 4001, "Handshake already used"),
        new(CloseReason.HandshakeAudience, "handshake_audience", 4001, "Handshake must have this server's id as audience, and kind handshake"),
        new(CloseReason.ServerNotListed, "server_not_listed", 1008, "Server not listed"),
        new(CloseReason.DuplicateLink, "duplicate_link", 4003, "Duplicate connection"),
        new(CloseReason.PeerLimit, "peer_limit", 1013, "Server at capacity"),
        new(CloseReason.ServerMismatch, "server_mismatch", 4002, "Server ID mismatch"),
        new(CloseReason.ServerBlocked, "server_blocked", 1008, "Server blocked"),
        new(CloseReason.LinkDropped, "link_dropped", 1000, "Disconnecting"),
    ];

    private static readonly CloseReasonDefinition[] ByReason =
    [
        .. OfClients.Concat(OfPeers).Prepend(new(CloseReason.None, "none")).OrderBy(definition => definition.Reason),
    ];

    /// <summary>The table in the order of the enum.</summary>
    public static IReadOnlyList<CloseReasonDefinition> All => ByReason;

    public static CloseReasonDefinition Of(CloseReason reason) => ByReason[(int)reason];

    /// <summary>The value of the metric's label.</summary>
    public static string Label(CloseReason reason) => Of(reason).Label;
}
