using Relay.Protocol;
using Relay.Rendezvous;

namespace Server.Tests.Rendezvous;

/// <summary>One row, as the table has it.</summary>
internal sealed record Row(bool IsToken, string Hash, string Name, string RelayId, string Drop, long Owner, long Expires);

/// <summary>What the store should do, written the obvious way: one list, the oldest first.</summary>
internal sealed class MeetingModel(RendezvousOptions options)
{
    public List<Row> Rows { get; private set; } = [];

    public Findings Register(Registration by, long now)
    {
        var found = new Findings([], []);
        string[] own = [by.Name, by.OtherName ?? by.Name];
        foreach (var (hash, drop) in by.Request.Points)
        {
            found.Drops.AddRange(Newest(row => !row.IsToken && row.Hash == hash && row.Expires > now && row.Drop != "" && !own.Contains(row.Name))
                .Select(row => new FoundDrop(row.Name, row.Drop, row.RelayId)));
            Put(new Row(false, hash, by.Name, by.Request.RelayId, drop, 0, now + (long)options.DailyPointLifetime.TotalMilliseconds));
        }

        foreach (var hash in by.Request.Tokens)
        {
            found.Tokens.AddRange(Newest(row => row.IsToken && row.Hash == hash && row.Expires > now && row.Owner != by.Owner)
                .Select(row => new HeldToken(row.Name, row.RelayId, row.Owner)));
            Put(new Row(true, hash, by.Name, by.Request.RelayId, "", by.Owner, now + (long)options.HourlyTokenLifetime.TotalMilliseconds));
        }

        Limit(row => row.Name == by.Name, options.RowsPerIdentity, row => row.Expires <= now);
        Limit(_ => true, options.MaxRows, row => row.Expires <= now);
        return found;
    }

    public void RemoveTokens(long owner) => Rows.RemoveAll(row => row.IsToken && row.Owner == owner);

    public int RemoveExpired(long now, int most)
    {
        var expired = Rows.Where(row => row.Expires <= now).OrderBy(row => row.Expires).Take(most).ToList();
        Rows = [.. Rows.Except(expired)];
        return expired.Count;
    }

    private IEnumerable<Row> Newest(Func<Row, bool> which) => Rows.Where(which).Reverse().Take(options.ResultsPerPoint);

    private void Put(Row row)
    {
        Rows.RemoveAll(other => other.IsToken == row.IsToken && other.Hash == row.Hash && other.Name == row.Name);
        Rows.Add(row);
    }

    // The expired go first: of one identity all at once, of all those that ended first and no more than needed.
    private void Limit(Func<Row, bool> which, int most, Func<Row, bool> isExpired)
    {
        var over = Rows.Count(which) - most;
        if (over > 0)
        {
            var expired = Rows.Where(row => which(row) && isExpired(row)).OrderBy(row => row.Expires);
            var gone = (most == options.RowsPerIdentity ? expired : expired.Take(over)).ToList();
            gone.AddRange(Rows.Except(gone).Where(which).Take(Math.Max(0, over - gone.Count)).ToList());
            Rows = [.. Rows.Except(gone)];
        }
    }
}
