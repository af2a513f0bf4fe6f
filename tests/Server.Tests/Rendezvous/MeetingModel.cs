using System.Text;
using Relay.Addresses;
using Relay.Protocol;
using Relay.RateLimiting;
using Relay.Rendezvous;

namespace Server.Tests.Rendezvous;

/// <summary>One row, as the table has it.</summary>
internal sealed record Row(bool IsToken, string Hash, string Name, string Key, IpKey Address, string RelayId, string Drop, long Owner, long Expires)
{
    public long Weight => Math.Max(1, (Encoding.UTF8.GetByteCount(Drop) + 4095) / 4096);
}

/// <summary>What the store should do, written the obvious way: one list, the oldest first.</summary>
internal sealed class MeetingModel(RendezvousOptions options)
{
    public List<Row> Rows { get; private set; } = [];

    public long Weight => Rows.Sum(row => row.Weight);

    public Findings Register(Registration by, long now)
    {
        var found = new Findings([], []);
        RowOwner[] own = [by.Name, by.OtherName];
        foreach (var (hash, drop) in by.Request.Points)
        {
            found.Drops.AddRange(Newest(row => !row.IsToken && row.Hash == hash && row.Expires > now && row.Drop != "" && !own.Contains(new RowOwner(row.Name, row.Key)))
                .Select(row => new FoundDrop(row.Name, row.Drop, row.RelayId)));
            Put(new Row(false, hash, by.Name.Name, by.Name.Key, by.Address, by.Request.RelayId, drop, 0, now + (long)options.DailyPointLifetime.TotalMilliseconds), now);
        }

        foreach (var hash in by.Request.Tokens)
        {
            found.Tokens.AddRange(Newest(row => row.IsToken && row.Hash == hash && row.Expires > now && row.Owner != by.Owner)
                .Select(row => new HeldToken(row.Name, row.RelayId, row.Owner)));
            Put(new Row(true, hash, by.Name.Name, by.Name.Key, by.Address, by.Request.RelayId, "", by.Owner, now + (long)options.HourlyTokenLifetime.TotalMilliseconds), now);
        }

        LimitOwner(row => (row.Name, row.Key) == (by.Name.Name, by.Name.Key), row => row.Expires <= now);
        LimitAll(by.Address, row => row.Expires <= now);
        return found;
    }

    public void Restore(List<Row> rows) => Rows = rows;

    public void RemoveTokens(long owner) => Rows.RemoveAll(row => row.IsToken && row.Owner == owner);

    public int RemoveExpired(long now, int most)
    {
        var expired = Rows.Where(row => row.Expires <= now).OrderBy(row => row.Expires).Take(most).ToList();
        Rows = [.. Rows.Except(expired)];
        return expired.Count;
    }

    private IEnumerable<Row> Newest(Func<Row, bool> which) => Rows.Where(which).Reverse().Take(options.ResultsPerPoint);

    private void Put(Row row, long now)
    {
        Rows.RemoveAll(other => other.IsToken == row.IsToken && other.Hash == row.Hash && (other.Name, other.Key) == (row.Name, row.Key));
        Rows.Add(row);

        // What a point has too many of: the expired go first, then the oldest of whoever has most of them.
        while (Rows.Where(other => other.IsToken == row.IsToken && other.Hash == row.Hash && (other.IsToken || other.Drop != "")).ToList() is var found
            && found.Count > options.ResultsPerPoint)
        {
            var shares = new FairShares();
            found.ForEach(other => shares.Add(other.Address, 1));
            Rows.Remove(found.Find(other => other.Expires <= now) ?? found.First(other => other.Address == shares.Largest(row.Address)));
        }
    }

    // The expired go first: of one identity all at once, of all those that ended first and no more than needed.
    private void LimitOwner(Func<Row, bool> which, Func<Row, bool> isExpired)
    {
        var over = Rows.Count(which) - options.RowsPerIdentity;
        if (over > 0)
        {
            var gone = Rows.Where(row => which(row) && isExpired(row)).ToList();
            gone.AddRange(Rows.Except(gone).Where(which).Take(Math.Max(0, over - gone.Count)).ToList());
            Rows = [.. Rows.Except(gone)];
        }
    }

    private void LimitAll(IpKey writer, Func<Row, bool> isExpired)
    {
        Rows = [.. Rows.Except([.. Rows.Where(isExpired).OrderBy(row => row.Expires).Take((int)(Weight - options.MaxRows))])];
        while (Weight > options.MaxRows)
        {
            var shares = new FairShares();
            Rows.ForEach(row => shares.Add(row.Address, row.Weight));
            Rows.Remove(Rows.First(row => row.Address == shares.Largest(writer)));
        }
    }
}
