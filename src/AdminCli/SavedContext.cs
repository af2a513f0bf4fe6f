namespace Relay.AdminCli;

/// <summary>A relay that was saved under a name: its address, and the files with which it is reached over the network.</summary>
internal sealed record SavedContext(string Server, string? CaFile = null, string? TokenFile = null, string? Certificate = null, string? Key = null);
