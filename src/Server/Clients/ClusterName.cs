using Relay.Cluster;

namespace Relay.Clients;

internal enum NameState
{
    /// <summary>The other relays are being asked.</summary>
    Claiming,

    /// <summary>It is this relay's. The client of a code or peer id may have left: then it is held for its key as long as the directory says.</summary>
    Established,

    /// <summary>Another relay's, or given up.</summary>
    Lost,
}

/// <summary>A name that this relay claims or has among those of its cluster. What changes is guarded by the table's lock.</summary>
internal sealed class ClusterName(NameKind kind, string name, string subject, Client client)
{
    public NameKind Kind => kind;

    public string Name => name;

    public string Subject => subject;

    public Client Client { get; set; } = client;

    public NameState State { get; set; }

    /// <summary>Milliseconds since 1970 at which this relay got it.</summary>
    public long EstablishedAt { get; set; }

    /// <summary>When its client left, as a timestamp.</summary>
    public long ReleasedAt { get; set; }

    /// <summary>When it is to be confirmed, or was last, as a timestamp.</summary>
    public long ConfirmAt { get; set; }

    public BusSubscription? Subscription { get; set; }

    /// <summary>The key that its client has it with; null: none.</summary>
    public string? Key => kind switch
    {
        NameKind.Code => Client.PublicKey,
        NameKind.PeerId => Client.PeerKey,
        _ => null,
    };
}
