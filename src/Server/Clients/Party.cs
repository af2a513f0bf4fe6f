namespace Relay.Clients;

/// <summary>A client, of this relay or of another one of its cluster. Two are equal when they stand for the same socket.</summary>
internal abstract class Party
{
    /// <summary>True once the client is leaving and is not found any more.</summary>
    public abstract bool HasLeft { get; }
}
