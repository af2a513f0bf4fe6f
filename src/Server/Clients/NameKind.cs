namespace Relay.Clients;

/// <summary>What a name is. Names of different kinds never meet.</summary>
internal enum NameKind : byte
{
    None,
    Code,
    PeerId,

    /// <summary>A channel, which belongs to the client that owns it until that leaves.</summary>
    Channel,
}
