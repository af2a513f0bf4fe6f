using Relay.Federation.Gossip;

namespace Relay.Federation;

/// <summary>Why a server is dialled; the first that holds.</summary>
internal enum PeerOrigin
{
    /// <summary>Federation:Connect names it.</summary>
    Configured,

    /// <summary>It had a link with this relay before.</summary>
    Known,

    /// <summary>Others have named it.</summary>
    Discovered,
}

/// <summary>A server that this relay dials. Everything that changes is guarded by the lock of <see cref="PeerTargets"/>.</summary>
internal sealed class PeerTarget(PeerOrigin origin)
{
    public PeerOrigin Origin { get; set; } = origin;

    /// <summary>Null: the settings do not say, and no server has answered yet.</summary>
    public string? ServerId { get; set; }

    /// <summary>What the settings say about the id; null: whoever answers there.</summary>
    public string? ConfiguredId { get; init; }

    public required string Endpoint { get; set; }

    public DialTarget AsDialTarget => new(ServerId ?? "", Endpoint);

    /// <summary>Attempts in a row that have failed.</summary>
    public int Failures { get; set; }

    /// <summary>Timestamp before which it is not dialled.</summary>
    public long NotBefore { get; set; }

    public bool IsDialling { get; set; }

    /// <summary>How the last attempt or link ended; empty: there was none.</summary>
    public string LastWords { get; set; } = "";
}
