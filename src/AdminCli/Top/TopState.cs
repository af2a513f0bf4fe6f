using Relay.AdminApi;

namespace Relay.AdminCli.Top;

/// <summary>All that the screen is made of. Never changed: what happens makes another one.</summary>
internal sealed record TopState(string Server, TopView View)
{
    // Two lists that are closer together than this give no useful rate.
    private static readonly TimeSpan ShortestSpan = TimeSpan.FromMilliseconds(500);

    /// <summary>The newest snapshot and the one before it, between which the rates are.</summary>
    public Stats Stats { get; private init; } = new();

    public Stats? Before { get; private init; }

    public IReadOnlyList<TopRow> Rows { get; private init; } = [];

    /// <summary>How many rows there are in total.</summary>
    public long TotalRows { get; private init; }

    /// <summary>When the rows were listed, counted from some moment.</summary>
    public TimeSpan ListedAt { get; private init; }

    /// <summary>The view that the operator wants: the rows' own is <see cref="View"/> until the relay has answered.</summary>
    public TopView Wanted { get; init; } = View;

    /// <summary>The address that the marker follows; null: it stays on the first row.</summary>
    public string? Marked { get; init; }

    public bool Paused { get; init; }

    /// <summary>How long the relay has been gone; null: it has not.</summary>
    public TimeSpan? Lost { get; init; }

    public bool Help { get; init; }

    public TopPrompt? Prompt { get; init; }

    /// <summary>What came of the last key.</summary>
    public StatsRow.Part Status { get; init; } = "";

    /// <summary>The row with the marker; -1 where there is none.</summary>
    public int MarkedIndex
    {
        get
        {
            if (Marked is null)
            {
                return Rows.Count == 0 ? -1 : 0;
            }

            for (var i = 0; i < Rows.Count; i++)
            {
                if (Rows[i].Key == Marked)
                {
                    return i;
                }
            }

            return -1;
        }
    }

    public TopRow? MarkedRow => MarkedIndex is >= 0 and var index ? Rows[index] : null;

    public TopState With(Stats stats) => this with { Before = Stats.Uptime is null || Lost is not null ? null : Stats, Stats = stats, Lost = null };

    public TopState With(TopView view, ListIpsResponse listed, TimeSpan at)
    {
        var before = Rows.ToDictionary(row => row.Key);
        var span = at - ListedAt;
        TopRow[] rows = [.. listed.Ips.DistinctBy(ip => ip.Key).Select(ip => new TopRow(ip, Rate(before.GetValueOrDefault(ip.Key), ip.Refused, span)))];
        // When the marked row leaves the list, the marker goes to the row that is now at its position, not to the top.
        var stays = Marked is null || rows.Any(row => row.Key == Marked);
        var next = rows.Length == 0 ? null : rows[Math.Clamp(MarkedIndex, 0, rows.Length - 1)].Key;
        return this with { View = view, Rows = rows, TotalRows = listed.TotalSize, ListedAt = at, Marked = stays ? Marked : next };
    }

    private static double? Rate(TopRow? before, long refused, TimeSpan span) =>
        before is null ? null
        : span < ShortestSpan ? before.RefusedPerSecond
        : refused >= before.Entry.Refused ? (refused - before.Entry.Refused) / span.TotalSeconds
        : null;
}
