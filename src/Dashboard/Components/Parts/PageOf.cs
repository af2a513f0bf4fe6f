namespace Relay.Dashboard.Components.Parts;

/// <summary>Rows that a relay gave for one page of a list.</summary>
/// <param name="Next">Token of the next page; empty: this is the last.</param>
/// <param name="Total">Rows on all pages; null: the relay does not count them.</param>
public sealed record PageOf<T>(IReadOnlyList<T> Rows, string Next, long? Total = null);
