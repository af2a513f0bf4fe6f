using Microsoft.Data.Sqlite;
using Relay.Addresses;
using Relay.Protocol;
using Relay.RateLimiting;
using Relay.Storage;

namespace Relay.Rendezvous;

/// <summary>
/// The SQL of the meeting points, one statement a method, and how many rows each address has: counted by <see cref="Recount"/> and
/// kept with every change after that. Database thread only.
/// </summary>
internal sealed class MeetingPoints
{
    public const int Daily = 0;
    public const int Hourly = 1;

    private readonly Statement _findDrops = new("""
        SELECT peer_id, dead_drop, relay_id FROM meeting_points
        WHERE kind = 0 AND dead_drop <> '' AND hash = $hash AND expires_at > $now
            AND NOT (peer_id = $name AND name_key = $key) AND NOT (peer_id = $other AND name_key = $otherKey)
        ORDER BY written DESC LIMIT $limit
        """);

    private readonly Statement _findTokens = new("""
        SELECT peer_id, relay_id, owner FROM meeting_points
        WHERE kind = 1 AND hash = $hash AND expires_at > $now AND owner <> $owner
        ORDER BY written DESC LIMIT $limit
        """);

    private readonly Statement _update = new("""
        UPDATE meeting_points SET address = $address, relay_id = $relay, dead_drop = $drop, owner = $owner, written = $written, expires_at = $expires
        WHERE kind = $kind AND hash = $hash AND peer_id = $name AND name_key = $key
        """);

    private readonly Statement _findAddress = new("""
        SELECT address FROM meeting_points WHERE kind = $kind AND hash = $hash AND peer_id = $name AND name_key = $key
        """);

    private readonly Statement _insert = new("""
        INSERT INTO meeting_points (address, relay_id, dead_drop, owner, written, expires_at, kind, hash, peer_id, name_key)
        VALUES ($address, $relay, $drop, $owner, $written, $expires, $kind, $hash, $name, $key)
        """);

    private readonly Statement _countOf = new("SELECT count(*) FROM meeting_points WHERE peer_id = $name AND name_key = $key");

    private readonly Statement _deleteExpiredOf = new("""
        DELETE FROM meeting_points WHERE peer_id = $name AND name_key = $key AND expires_at <= $now
        RETURNING kind, address
        """);

    private readonly Statement _deleteOldestOf = new("""
        DELETE FROM meeting_points WHERE written IN
            (SELECT written FROM meeting_points WHERE peer_id = $name AND name_key = $key ORDER BY written LIMIT $limit)
        RETURNING kind, address
        """);

    private readonly Statement _deleteExpired = new("""
        DELETE FROM meeting_points WHERE written IN
            (SELECT written FROM meeting_points WHERE expires_at <= $now ORDER BY expires_at, written LIMIT $limit)
        RETURNING kind, address
        """);

    private readonly Statement _deleteOldestBy = new("""
        DELETE FROM meeting_points WHERE written IN
            (SELECT written FROM meeting_points WHERE address = $address ORDER BY written LIMIT 1)
        RETURNING kind, address
        """);

    private readonly Statement _deleteTokensOf = new(
        "DELETE FROM meeting_points WHERE peer_id = $name AND kind = 1 AND owner = $owner RETURNING kind, address");

    private readonly Statement _deleteTokens = new("""
        DELETE FROM meeting_points WHERE written IN (SELECT written FROM meeting_points WHERE kind = 1 LIMIT $limit)
        RETURNING kind, address
        """);

    private readonly Statement _newest = new("SELECT coalesce(max(written), 0) FROM meeting_points");

    private readonly Statement _recount = new("""
        UPDATE meeting_counts SET total = (SELECT count(*) FROM meeting_points WHERE meeting_points.kind = meeting_counts.kind)
        """);

    private readonly Statement _addresses = new("SELECT address, count(*) FROM meeting_points GROUP BY address");

    private readonly Statement _revision = new("SELECT revision FROM meeting_revision");

    private readonly Statement _advance = new("UPDATE meeting_revision SET revision = revision + 1 RETURNING revision");

    private readonly Statement _add = new("UPDATE meeting_counts SET total = total + $change WHERE kind = $kind");

    private readonly Statement _totals = new("SELECT total FROM meeting_counts ORDER BY kind");

    /// <summary>Rows by address.</summary>
    public FairShares Shares { get; private set; } = new();

    /// <summary>Adds the dead drops of others at a point, the newest first.</summary>
    public void FindDrops(SqliteConnection connection, Registration by, string hash, long now, int limit, List<FoundDrop> drops)
    {
        using var rows = _findDrops.Read(
            connection, ("$hash", hash), ("$now", now), ("$name", by.Name.Name), ("$key", by.Name.Key),
            ("$other", by.OtherName.Name), ("$otherKey", by.OtherName.Key), ("$limit", limit));
        while (rows.Read())
        {
            drops.Add(new FoundDrop(rows.GetString(0), rows.GetString(1), rows.GetString(2)));
        }
    }

    /// <summary>Adds what other sockets hold of a token, the newest first.</summary>
    public void FindTokens(SqliteConnection connection, Registration by, string hash, long now, int limit, List<HeldToken> tokens)
    {
        using var rows = _findTokens.Read(connection, ("$hash", hash), ("$now", now), ("$owner", by.Owner), ("$limit", limit));
        while (rows.Read())
        {
            tokens.Add(new HeldToken(rows.GetString(0), rows.GetString(1), rows.GetInt64(2)));
        }
    }

    /// <summary>Writes one row, replacing the earlier one of the same name and key; true when there was none.</summary>
    public bool Put(SqliteConnection connection, Registration by, int kind, string hash, string drop, long written, long expires)
    {
        var earlier = AddressOf(connection, by, kind, hash);
        ReadOnlySpan<(string, object)> values =
        [
            ("$address", by.Address.ToString()), ("$relay", by.Request.RelayId), ("$drop", drop), ("$owner", kind == Hourly ? by.Owner : 0),
            ("$written", written), ("$expires", expires), ("$kind", kind), ("$hash", hash), ("$name", by.Name.Name), ("$key", by.Name.Key),
        ];
        (earlier is null ? _insert : _update).Execute(connection, values);
        Shares.Add(by.Address, 1);
        if (earlier is { } address)
        {
            Shares.Add(address, -1);
        }

        return earlier is null;
    }

    public long CountOf(SqliteConnection connection, RowOwner owner) => Number(_countOf.Read(connection, ("$name", owner.Name), ("$key", owner.Key)));

    public RowCounts DeleteExpiredOf(SqliteConnection connection, RowOwner owner, long now) =>
        Deleted(_deleteExpiredOf.Read(connection, ("$name", owner.Name), ("$key", owner.Key), ("$now", now)));

    public RowCounts DeleteOldestOf(SqliteConnection connection, RowOwner owner, long limit) =>
        Deleted(_deleteOldestOf.Read(connection, ("$name", owner.Name), ("$key", owner.Key), ("$limit", limit)));

    public RowCounts DeleteExpired(SqliteConnection connection, long now, long limit) =>
        Deleted(_deleteExpired.Read(connection, ("$now", now), ("$limit", limit)));

    public RowCounts DeleteOldestBy(SqliteConnection connection, IpKey address) =>
        Deleted(_deleteOldestBy.Read(connection, ("$address", address.ToString())));

    public RowCounts DeleteTokensOf(SqliteConnection connection, string name, long owner) =>
        Deleted(_deleteTokensOf.Read(connection, ("$name", name), ("$owner", owner)));

    public RowCounts DeleteTokens(SqliteConnection connection, long limit) => Deleted(_deleteTokens.Read(connection, ("$limit", limit)));

    /// <summary>The number of the newest row; 0: there is none.</summary>
    public long Newest(SqliteConnection connection) => Number(_newest.Read(connection));

    /// <summary>Counts all rows anew.</summary>
    public void Recount(SqliteConnection connection)
    {
        _recount.Execute(connection);
        Shares = new FairShares();
        using var rows = _addresses.Read(connection);
        while (rows.Read())
        {
            Shares.Add(IpPrefix.KeyOf(rows.GetString(0)), rows.GetInt64(1));
        }
    }

    /// <summary>Which state of the rows it is.</summary>
    public long Revision(SqliteConnection connection) => Number(_revision.Read(connection));

    /// <summary>The rows were changed.</summary>
    public long Advance(SqliteConnection connection) => Number(_advance.Read(connection));

    /// <summary>Keeps the book of how many rows there are, and reads it.</summary>
    public RowCounts Add(SqliteConnection connection, RowCounts change)
    {
        AddOne(connection, Daily, change.Points);
        AddOne(connection, Hourly, change.Tokens);
        using var rows = _totals.Read(connection);
        rows.Read();
        var points = rows.GetInt64(0);
        rows.Read();
        return new RowCounts(points, rows.GetInt64(0));
    }

    private IpKey? AddressOf(SqliteConnection connection, Registration by, int kind, string hash)
    {
        using var rows = _findAddress.Read(connection, ("$kind", kind), ("$hash", hash), ("$name", by.Name.Name), ("$key", by.Name.Key));
        return rows.Read() ? IpPrefix.KeyOf(rows.GetString(0)) : null;
    }

    private void AddOne(SqliteConnection connection, int kind, long change)
    {
        if (change != 0)
        {
            _add.Execute(connection, ("$kind", kind), ("$change", change));
        }
    }

    private RowCounts Deleted(SqliteDataReader rows)
    {
        using (rows)
        {
            var deleted = default(RowCounts);
            while (rows.Read())
            {
                Shares.Add(IpPrefix.KeyOf(rows.GetString(1)), -1);
                deleted -= rows.GetInt64(0) == Daily ? new RowCounts(1, 0) : new RowCounts(0, 1);
            }

            return deleted;
        }
    }

    private static long Number(SqliteDataReader rows)
    {
        using (rows)
        {
            rows.Read();
            return rows.GetInt64(0);
        }
    }
}
