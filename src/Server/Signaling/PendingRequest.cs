using Relay.Addresses;
using Relay.Clients;

namespace Relay.Signaling;

/// <summary>What a request asks its target for.</summary>
internal enum RequestKind
{
    /// <summary>pair_request: two people's devices.</summary>
    Pair,

    /// <summary>link_request: a browser asks a phone to be its second screen.</summary>
    Link,
}

/// <summary>A request that waits for its target's answer. Sockets stand for themselves; their codes are for the messages.</summary>
internal sealed class PendingRequest
{
    public required RequestKind Kind { get; init; }

    public required Party From { get; init; }

    /// <summary>The number that the requester's relay has for it; 0: that is this relay.</summary>
    public long Number { get; init; }

    public required string FromCode { get; init; }

    /// <summary>The requester's key when it asked; a later registration does not change it.</summary>
    public required string FromKey { get; init; }

    /// <summary>What the requester's address counts by.</summary>
    public required IpKey FromAddress { get; init; }

    public required Client To { get; init; }

    public required string ToCode { get; init; }

    /// <summary>How a browser that wants to be linked is called.</summary>
    public string DeviceName { get; init; } = "";

    // Guarded by the table's lock, all of the following.

    public long MadeAt { get; set; }

    /// <summary>A phone was sent this request to link; the others to it wait for their turn.</summary>
    public bool IsShown { get; set; }

    /// <summary>Its turn among those to the same target, of one that comes from another process; else 0.</summary>
    public int Turn { get; init; }

    /// <summary>Where it stands among all, oldest first; null: it has ended, or never waited.</summary>
    public LinkedListNode<PendingRequest>? Place { get; set; }

    /// <summary>Where it stands among those still to be warned of.</summary>
    public LinkedListNode<PendingRequest>? WarningPlace { get; set; }
}
