using System.Data.Common;
using System.Text;
using Relay.Addresses;
using Relay.Protocol;
using Relay.RateLimiting;
using Relay.Storage;

namespace Relay.Rendezvous;

/// <summary>
/// The SQL of rendezvous points and tokens, one statement a method, and what each address has, by the weight of its rows: counted when somebody has
/// to give way, and kept with every change after that. Database thread only.
/// </summary>
internal sealed class RendezvousRows
{
    public const int Daily = 0;
    public const int Hourly = 1;

    // What a row counts for: each 4 KiB of its dead drop, at least one; so a token is always one.
    private const string Weight = "CAST(CASE WHEN octet_length(dead_drop) > 4096 THEN (octet_length(dead_drop) + 4095) / 4096 ELSE 1 END AS BIGINT)";

    private readonly Statement _findDrops = new("""
        SELECT peer_id, dead_drop, relay_id FROM meeting_points
        WHERE kind = 0 AND dead_drop <> '' AND hash = @hash AND expires_at > @now
            AND NOT (peer_id = @name AND name_key = @key) AND NOT (peer_id = @other AND name_key = @otherKey)
        ORDER BY written DESC LIMIT @limit
        """);

    private readonly Statement _findTokens = new("""
        SELECT peer_id, relay_id, owner FROM meeting_points
        WHERE kind = 1 AND hash = @hash AND expires_at > @now AND owner <> @owner
        ORDER BY written DESC LIMIT @limit
        """);

    private readonly Statement _update = new("""
        UPDATE meeting_points SET address = @address, relay_id = @relay, dead_drop = @drop, owner = @owner, written = @written, expires_at = @expires
        WHERE kind = @kind AND hash = @hash AND peer_id = @name AND name_key = @key
        """);

    private readonly Statement _findRow = new($"""
        SELECT address, {Weight} FROM meeting_points WHERE kind = @kind AND hash = @hash AND peer_id = @name AND name_key = @key
        """);

    private readonly Statement _insert = new("""
        INSERT INTO meeting_points (address, relay_id, dead_drop, owner, written, expires_at, kind, hash, peer_id, name_key)
        VALUES (@address, @relay, @drop, @owner, @written, @expires, @kind, @hash, @name, @key)
        """);

    private readonly Statement _countOf = new("SELECT count(*) FROM meeting_points WHERE peer_id = @name AND name_key = @key");

    private readonly Statement _deleteExpiredOf = new($"""
        DELETE FROM meeting_points WHERE peer_id = @name AND name_key = @key AND expires_at <= @now
        RETURNING kind, address, {Weight}
        """);

    private readonly Statement _deleteOldestOf = new($"""
        DELETE FROM meeting_points WHERE written IN
            (SELECT written FROM meeting_points WHERE peer_id = @name AND name_key = @key ORDER BY written LIMIT @limit)
        RETURNING kind, address, {Weight}
        """);

    private readonly Statement _deleteExpired = new($"""
        DELETE FROM meeting_points WHERE written IN
            (SELECT written FROM meeting_points WHERE expires_at <= @now ORDER BY expires_at, written LIMIT @limit)
        RETURNING kind, address, {Weight}
        """);

    private readonly Statement _deleteOldestBy = new($"""
        DELETE FROM meeting_points WHERE written IN
            (SELECT written FROM meeting_points WHERE address = @address ORDER BY written LIMIT 1)
        RETURNING kind, address, {Weight}
        """);

    private readonly Statement _deleteTokensOf = new(
        $"DELETE FROM meeting_points WHERE peer_id = @name AND kind = 1 AND owner = @owner RETURNING kind, address, {Weight}");

    private readonly Statement _deleteTokens = new($"""
        DELETE FROM meeting_points WHERE written IN (SELECT written FROM meeting_points WHERE kind = 1 LIMIT @limit)
        RETURNING kind, address, {Weight}
        """);

    private readonly Statement _dropsAt = new("""
        SELECT address, written, expires_at FROM meeting_points WHERE kind = 0 AND dead_drop <> '' AND hash = @hash ORDER BY written
        """);

    private readonly Statement _tokensAt = new("SELECT address, written, expires_at FROM meeting_points WHERE kind = 1 AND hash = @hash ORDER BY written");

    private readonly Statement _delete = new($"DELETE FROM meeting_points WHERE written = @written RETURNING kind, address, {Weight}");

    private readonly Statement _newest = new("SELECT coalesce(max(written), 0) FROM meeting_points");

    private readonly Statement _recount = new($"""
        UPDATE meeting_counts SET (total, weight) =
            (SELECT count(*), coalesce(sum({Weight}), 0) FROM meeting_points WHERE meeting_points.kind = meeting_counts.kind)
        """);

    private readonly Statement _addresses = new($"SELECT address, CAST(sum({Weight}) AS BIGINT) FROM meeting_points GROUP BY address");

    private readonly Statement _advance = new("UPDATE meeting_revision SET revision = revision + 1 RETURNING revision");

    private readonly Statement _add = new("""
        UPDATE meeting_counts SET
            total = total + CASE kind WHEN 0 THEN @points ELSE @tokens END, weight = weight + CASE kind WHEN 0 THEN @weight ELSE @tokens END
        RETURNING kind, total, weight
        """);

    // By address; null: not counted yet.
    private FairShares? _shares;

    /// <summary>Adds the dead drops of others at a point, the newest first.</summary>
    public void FindDrops(DbConnection connection, Registration by, string hash, long now, int limit, List<FoundDrop> drops)
    {
        using var rows = _findDrops.Read(
            connection, ("@hash", hash), ("@now", now), ("@name", by.Name.Name), ("@key", by.Name.Key),
            ("@other", by.OtherName.Name), ("@otherKey", by.OtherName.Key), ("@limit", limit));
        while (rows.Read())
        {
            drops.Add(new FoundDrop(rows.Text(0), rows.Text(1), rows.Text(2)));
        }
    }

    /// <summary>Adds what other sockets hold of a token, the newest first.</summary>
    public void FindTokens(DbConnection connection, Registration by, string hash, long now, int limit, List<HeldToken> tokens)
    {
        using var rows = _findTokens.Read(connection, ("@hash", hash), ("@now", now), ("@owner", by.Owner), ("@limit", limit));
        while (rows.Read())
        {
            tokens.Add(new HeldToken(rows.Text(0), rows.Text(1), rows.GetInt64(2)));
        }
    }

    /// <summary>Writes one row, replacing the earlier one of the same name and key; what that changes.</summary>
    public RowCounts Put(DbConnection connection, Registration by, int kind, string hash, string drop, long written, long expires)
    {
        var earlier = RowOf(connection, by, kind, hash);
        ReadOnlySpan<(string, object)> values =
        [
            ("@address", by.Address.ToString()), ("@relay", by.Request.RelayId), ("@drop", drop), ("@owner", kind == Hourly ? by.Owner : 0),
            ("@written", written), ("@expires", expires), ("@kind", kind), ("@hash", hash), ("@name", by.Name.Name), ("@key", by.Name.Key),
        ];
        (earlier is null ? _insert : _update).Execute(connection, values);
        var weight = WeightOf(drop);
        _shares?.Add(by.Address, weight);
        if (earlier is not { } row)
        {
            return Counts(kind, 1, weight);
        }

        TakeShare(row.Address, row.Weight);
        return Counts(kind, 0, weight - row.Weight);
    }

    public long CountOf(DbConnection connection, RowOwner owner) => Number(_countOf.Read(connection, ("@name", owner.Name), ("@key", owner.Key)));

    public RowCounts DeleteExpiredOf(DbConnection connection, RowOwner owner, long now) =>
        Deleted(_deleteExpiredOf.Read(connection, ("@name", owner.Name), ("@key", owner.Key), ("@now", now)));

    public RowCounts DeleteOldestOf(DbConnection connection, RowOwner owner, long limit) =>
        Deleted(_deleteOldestOf.Read(connection, ("@name", owner.Name), ("@key", owner.Key), ("@limit", limit)));

    public RowCounts DeleteExpired(DbConnection connection, long now, long limit) =>
        Deleted(_deleteExpired.Read(connection, ("@now", now), ("@limit", limit)));

    public RowCounts DeleteOldestBy(DbConnection connection, IpKey address) =>
        Deleted(_deleteOldestBy.Read(connection, ("@address", address.ToString())));

    /// <summary>
    /// Deletes what a point or a token has more than <paramref name="limit"/> of, of dead drops or of holders: what has expired, then the
    /// oldest of whichever address has most of it, so that nobody hides what others have put down.
    /// </summary>
    public RowCounts LimitPoint(DbConnection connection, IpKey writer, int kind, string hash, int limit, long now)
    {
        var rows = new List<(IpKey Address, long Written, long Expires)>();
        using (var found = (kind == Daily ? _dropsAt : _tokensAt).Read(connection, ("@hash", hash)))
        {
            while (found.Read())
            {
                rows.Add((IpPrefix.KeyOf(found.Text(0)), found.GetInt64(1), found.GetInt64(2)));
            }
        }

        var change = default(RowCounts);
        if (rows.Count <= limit)
        {
            return change;
        }

        var shares = new FairShares();
        rows.ForEach(row => shares.Add(row.Address, 1));
        while (rows.Count > limit)
        {
            var place = rows.FindIndex(row => row.Expires <= now);
            place = place >= 0 ? place : rows.FindIndex(row => row.Address == shares.Largest(writer));
            shares.Add(rows[place].Address, -1);
            change += Deleted(_delete.Read(connection, ("@written", rows[place].Written)));
            rows.RemoveAt(place);
        }

        return change;
    }

    public RowCounts DeleteTokensOf(DbConnection connection, string name, long owner) =>
        Deleted(_deleteTokensOf.Read(connection, ("@name", name), ("@owner", owner)));

    public RowCounts DeleteTokens(DbConnection connection, long limit) => Deleted(_deleteTokens.Read(connection, ("@limit", limit)));

    /// <summary>The number of the newest row; 0: there is none.</summary>
    public long Newest(DbConnection connection) => Number(_newest.Read(connection));

    /// <summary>Counts all rows anew.</summary>
    public void Recount(DbConnection connection) => _recount.Execute(connection);

    /// <summary>Counts anew what each address has.</summary>
    public void CountShares(DbConnection connection)
    {
        _shares = new FairShares();
        using var rows = _addresses.Read(connection);
        while (rows.Read())
        {
            _shares.Add(IpPrefix.KeyOf(rows.Text(0)), rows.GetInt64(1));
        }
    }

    /// <summary>The address that has to give way to what the writer has put down. <see cref="CountShares"/> comes first.</summary>
    public IpKey Largest(IpKey writer) => _shares!.Largest(writer);

    /// <summary>
    /// The rows are going to be changed: the number of their new state, one more than of the one before. Until the transaction ends, any
    /// other relay that wants to change them waits here.
    /// </summary>
    public long Advance(DbConnection connection) => Number(_advance.Read(connection));

    /// <summary>Keeps the count of the rows, and reads it.</summary>
    public RowCounts Add(DbConnection connection, RowCounts change)
    {
        using var rows = _add.Read(connection, ("@points", change.Points), ("@tokens", change.Tokens), ("@weight", change.Weight - change.Tokens));
        var totals = default(RowCounts);
        while (rows.Read())
        {
            totals += Counts(rows.GetInt64(0), rows.GetInt64(1), rows.GetInt64(2));
        }

        return totals;
    }

    private (IpKey Address, long Weight)? RowOf(DbConnection connection, Registration by, int kind, string hash)
    {
        using var rows = _findRow.Read(connection, ("@kind", kind), ("@hash", hash), ("@name", by.Name.Name), ("@key", by.Name.Key));
        return rows.Read() ? (IpPrefix.KeyOf(rows.Text(0)), rows.GetInt64(1)) : null;
    }

    private static long WeightOf(string drop) => Math.Max(1, (Encoding.UTF8.GetByteCount(drop) + 4095) / 4096);

    private static RowCounts Counts(long kind, long rows, long weight) => kind == Daily ? new RowCounts(rows, 0, weight) : new RowCounts(0, rows, weight);

    // They may be those of a moment ago, before another relay wrote or this one's transaction was rolled back.
    private void TakeShare(IpKey address, long weight) => _shares?.Add(address, -Math.Min(weight, _shares.Of(address)));

    private RowCounts Deleted(DbDataReader rows)
    {
        using (rows)
        {
            var deleted = default(RowCounts);
            while (rows.Read())
            {
                var weight = rows.GetInt64(2);
                TakeShare(IpPrefix.KeyOf(rows.Text(1)), weight);
                deleted -= Counts(rows.GetInt64(0), 1, weight);
            }

            return deleted;
        }
    }

    private static long Number(DbDataReader rows)
    {
        using (rows)
        {
            rows.Read();
            return rows.GetInt64(0);
        }
    }
}
