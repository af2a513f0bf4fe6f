namespace Relay.Rendezvous;

/// <summary>
/// Rows of each kind, and what they count for together (<see cref="RendezvousOptions.MaxRows"/>); or, negative where there is less, how much
/// more there is of them.
/// </summary>
internal readonly record struct RowCounts(long Points, long Tokens, long Weight)
{
    public long All => Points + Tokens;

    public static RowCounts operator +(RowCounts a, RowCounts b) => new(a.Points + b.Points, a.Tokens + b.Tokens, a.Weight + b.Weight);

    public static RowCounts operator -(RowCounts a, RowCounts b) => new(a.Points - b.Points, a.Tokens - b.Tokens, a.Weight - b.Weight);
}
