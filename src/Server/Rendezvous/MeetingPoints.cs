using Microsoft.Data.Sqlite;
using Relay.Protocol;
using Relay.Storage;

namespace Relay.Rendezvous;

/// <summary>The SQL of the meeting points, one statement a method. Database thread only.</summary>
internal sealed class MeetingPoints
{
    public const int Daily = 0;
    public const int Hourly = 1;

    private readonly Statement _findDrops = new("""
        SELECT peer_id, dead_drop, relay_id FROM meeting_points
        WHERE kind = 0 AND dead_drop <> '' AND hash = $hash AND expires_at > $now AND peer_id <> $name AND peer_id <> $other
        ORDER BY written DESC LIMIT $limit
        """);

    private readonly Statement _findTokens = new("""
        SELECT peer_id, relay_id, owner FROM meeting_points
        WHERE kind = 1 AND hash = $hash AND expires_at > $now AND owner <> $owner
        ORDER BY written DESC LIMIT $limit
        """);

    private readonly Statement _update = new("""
        UPDATE meeting_points SET relay_id = $relay, dead_drop = $drop, owner = $owner, written = $written, expires_at = $expires
        WHERE kind = $kind AND hash = $hash AND peer_id = $name
        """);

    private readonly Statement _insert = new("""
        INSERT INTO meeting_points (relay_id, dead_drop, owner, written, expires_at, kind, hash, peer_id)
        VALUES ($relay, $drop, $owner, $written, $expires, $kind, $hash, $name)
        """);

    private readonly Statement _countOf = new("SELECT count(*) FROM meeting_points WHERE peer_id = $name");

    private readonly Statement _deleteExpiredOf = new("DELETE FROM meeting_points WHERE peer_id = $name AND expires_at <= $now RETURNING kind");

    private readonly Statement _deleteOldestOf = new("""
        DELETE FROM meeting_points WHERE written IN
            (SELECT written FROM meeting_points WHERE peer_id = $name ORDER BY written LIMIT $limit)
        RETURNING kind
        """);

    private readonly Statement _deleteExpired = new("""
        DELETE FROM meeting_points WHERE written IN
            (SELECT written FROM meeting_points WHERE expires_at <= $now ORDER BY expires_at, written LIMIT $limit)
        RETURNING kind
        """);

    private readonly Statement _deleteOldest = new("""
        DELETE FROM meeting_points WHERE written IN (SELECT written FROM meeting_points ORDER BY written LIMIT $limit)
        RETURNING kind
        """);

    private readonly Statement _deleteTokensOf = new(
        "DELETE FROM meeting_points WHERE peer_id = $name AND kind = 1 AND owner = $owner RETURNING kind");

    private readonly Statement _deleteTokens = new("""
        DELETE FROM meeting_points WHERE written IN (SELECT written FROM meeting_points WHERE kind = 1 LIMIT $limit)
        RETURNING kind
        """);

    private readonly Statement _newest = new("SELECT coalesce(max(written), 0) FROM meeting_points");

    private readonly Statement _recount = new("""
        UPDATE meeting_counts SET total = (SELECT count(*) FROM meeting_points WHERE meeting_points.kind = meeting_counts.kind)
        """);

    private readonly Statement _add = new("UPDATE meeting_counts SET total = total + $change WHERE kind = $kind");

    private readonly Statement _totals = new("SELECT total FROM meeting_counts ORDER BY kind");

    /// <summary>Adds the dead drops of others at a point, the newest first.</summary>
    public void FindDrops(SqliteConnection connection, Registration by, string hash, long now, int limit, List<FoundDrop> drops)
    {
        using var rows = _findDrops.Read(
            connection, ("$hash", hash), ("$now", now), ("$name", by.Name), ("$other", by.OtherName ?? by.Name), ("$limit", limit));
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

    /// <summary>Writes one row, replacing the same identity's earlier one; true when there was none.</summary>
    public bool Put(SqliteConnection connection, Registration by, int kind, string hash, string drop, long written, long expires)
    {
        ReadOnlySpan<(string, object)> values =
        [
            ("$relay", by.Request.RelayId), ("$drop", drop), ("$owner", kind == Hourly ? by.Owner : 0), ("$written", written),
            ("$expires", expires), ("$kind", kind), ("$hash", hash), ("$name", by.Name),
        ];
        return _update.Execute(connection, values) == 0 && _insert.Execute(connection, values) == 1;
    }

    public long CountOf(SqliteConnection connection, string name) => Number(_countOf.Read(connection, ("$name", name)));

    public RowCounts DeleteExpiredOf(SqliteConnection connection, string name, long now) =>
        Deleted(_deleteExpiredOf.Read(connection, ("$name", name), ("$now", now)));

    public RowCounts DeleteOldestOf(SqliteConnection connection, string name, long limit) =>
        Deleted(_deleteOldestOf.Read(connection, ("$name", name), ("$limit", limit)));

    public RowCounts DeleteExpired(SqliteConnection connection, long now, long limit) =>
        Deleted(_deleteExpired.Read(connection, ("$now", now), ("$limit", limit)));

    public RowCounts DeleteOldest(SqliteConnection connection, long limit) => Deleted(_deleteOldest.Read(connection, ("$limit", limit)));

    public RowCounts DeleteTokensOf(SqliteConnection connection, string name, long owner) =>
        Deleted(_deleteTokensOf.Read(connection, ("$name", name), ("$owner", owner)));

    public RowCounts DeleteTokens(SqliteConnection connection, long limit) => Deleted(_deleteTokens.Read(connection, ("$limit", limit)));

    /// <summary>The number of the newest row; 0: there is none.</summary>
    public long Newest(SqliteConnection connection) => Number(_newest.Read(connection));

    /// <summary>Counts all rows anew.</summary>
    public void Recount(SqliteConnection connection) => _recount.Execute(connection);

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

    private void AddOne(SqliteConnection connection, int kind, long change)
    {
        if (change != 0)
        {
            _add.Execute(connection, ("$kind", kind), ("$change", change));
        }
    }

    private static RowCounts Deleted(SqliteDataReader rows)
    {
        using (rows)
        {
            var deleted = default(RowCounts);
            while (rows.Read())
            {
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
