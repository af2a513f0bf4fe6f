namespace Relay.Rendezvous;

/// <summary>Rows of each kind; or, negative where there are fewer, how many more there are of them.</summary>
internal readonly record struct RowCounts(long Points, long Tokens)
{
    public long All => Points + Tokens;

    public static RowCounts operator +(RowCounts a, RowCounts b) => new(a.Points + b.Points, a.Tokens + b.Tokens);

    public static RowCounts operator -(RowCounts a, RowCounts b) => new(a.Points - b.Points, a.Tokens - b.Tokens);
}
