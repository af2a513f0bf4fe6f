namespace Relay.Storage;

/// <summary>One step of the schema: what brings a database from the version before to this one.</summary>
internal sealed record Migration(int Version, string Sql);
