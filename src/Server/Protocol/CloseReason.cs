namespace Relay.Protocol;

/// <summary>Why a session ended; <see cref="CloseReasons"/> says what follows from each.</summary>
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

    /// <summary>It held most of the memory budget when that was used up.</summary>
    MemoryBudget,
    Shutdown,

    /// <summary>The authority did not accept the client's attestation.</summary>
    AttestationFailed,

    /// <summary>A limit was lowered, and the operator wanted excess connections to go.</summary>
    Evicted,

    /// <summary>The operator banned the address and wanted its sockets to go.</summary>
    Banned,

    /// <summary>The operator ended it, with a close frame of their choice.</summary>
    Disconnected,

    /// <summary>The relay is draining.</summary>
    Drained,

    /// <summary>It did not answer a ping when another socket with its key claimed its name.</summary>
    Replaced,

    /// <summary>Another relay of the cluster gave its name to another socket while the two relays could not reach each other.</summary>
    NameConflict,

    /// <summary>An exception of ours; logged as an error.</summary>
    InternalError,

    // Peer servers only.
    HandshakeTimeout,
    HandshakeInvalid,
    HandshakeStale,
    HandshakeReplayed,

    /// <summary>It is for another server, is no handshake by its signed kind, or does not say so where it must.</summary>
    HandshakeAudience,
    ServerNotListed,
    DuplicateLink,
    PeerLimit,

    /// <summary>Another server than the expected one answered, or this relay itself.</summary>
    ServerMismatch,

    /// <summary>An operator has blocked it.</summary>
    ServerBlocked,

    /// <summary>The link is of no use any more: the server has left, was declared failed, or is to be forgotten.</summary>
    LinkDropped,
}
