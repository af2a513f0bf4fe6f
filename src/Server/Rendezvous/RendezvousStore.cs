using Microsoft.Data.Sqlite;
using Relay.Addresses;
using Relay.Storage;

namespace Relay.Rendezvous;

/// <summary>
/// The meeting points on disk: what is put down, what is found, how much is kept. Each operation is one piece of work for
/// the database thread, so that all of a message is kept or nothing, and of two peers who meet exactly one is the later.
/// </summary>
internal sealed class RendezvousStore(Database database, RendezvousOptions options, TimeProvider time)
{
    private const long Unknown = -1;

    // Database thread only.
    private readonly MeetingPoints _points = new();
    private long _written;

    // The state of the rows that their addresses were last counted in, or that the changes since have led to.
    private long _revision = Unknown;

    // Written by the database thread; read anywhere.
    private long _dailyPoints;
    private long _hourlyTokens;

    // Atomic.
    private long _matchesFound;
    private long _dropsDelivered;

    public RendezvousCounts Counts() => new(
        Volatile.Read(ref _dailyPoints),
        Volatile.Read(ref _hourlyTokens),
        Interlocked.Read(ref _matchesFound),
        Interlocked.Read(ref _dropsDelivered));

    public void CountFound(int matches, int drops)
    {
        Interlocked.Add(ref _matchesFound, matches);
        Interlocked.Add(ref _dropsDelivered, drops);
    }

    /// <summary>Keeps what is put down and gives what others had put down there. Done when it is on the disk.</summary>
    public Task<Findings> RegisterAsync(Registration registration) =>
        database.RunAsync(connection => Register(connection, registration));

    /// <summary>Removes the tokens that a session held under these names.</summary>
    public Task RemoveTokensAsync(long owner, IReadOnlyList<string> names) =>
        database.RunAsync(connection => RemoveTokens(connection, owner, names));

    /// <summary>Removes some of what has expired, at most so many rows; gives how many it were.</summary>
    public Task<long> RemoveExpiredAsync(int most) => database.RunAsync(connection => RemoveExpired(connection, most));

    /// <summary>Removes some of the tokens that a relay has left which is no more; gives how many it were.</summary>
    public Task<long> RemoveLeftTokensAsync(int most) =>
        database.RunAsync(connection => Remove(connection, () => _points.DeleteTokens(connection, most)));

    /// <summary>Counts anew what is there.</summary>
    public Task CountAsync() => database.RunAsync(connection =>
    {
        _points.Recount(connection);
        return Book(connection, default);
    });

    internal Findings Register(SqliteConnection connection, Registration registration)
    {
        Synchronize(connection);
        var now = Now();
        var found = new Findings([], []);
        var change = default(RowCounts);
        _written = _written == 0 ? _points.Newest(connection) : _written;
        foreach (var (hash, drop) in registration.Request.Points)
        {
            _points.FindDrops(connection, registration, hash, now, options.ResultsPerPoint, found.Drops);
            var expires = now + (long)options.DailyPointLifetime.TotalMilliseconds;
            change += new RowCounts(_points.Put(connection, registration, MeetingPoints.Daily, hash, drop, ++_written, expires) ? 1 : 0, 0);
        }

        foreach (var hash in registration.Request.Tokens)
        {
            _points.FindTokens(connection, registration, hash, now, options.ResultsPerPoint, found.Tokens);
            var expires = now + (long)options.HourlyTokenLifetime.TotalMilliseconds;
            change += new RowCounts(0, _points.Put(connection, registration, MeetingPoints.Hourly, hash, "", ++_written, expires) ? 1 : 0);
        }

        if (change.All > 0)
        {
            change += LimitIdentity(connection, registration.Name, now);
        }

        LimitAll(connection, registration.Address, change, now);
        return found;
    }

    internal long RemoveTokens(SqliteConnection connection, long owner, IReadOnlyList<string> names) =>
        Remove(connection, () => names.Aggregate(default(RowCounts), (change, name) => change + _points.DeleteTokensOf(connection, name, owner)));

    internal long RemoveExpired(SqliteConnection connection, int most) =>
        Remove(connection, () => _points.DeleteExpired(connection, Now(), most));

    // Expired rows are removed first: they are only there because the sweep has not run yet.
    private RowCounts LimitIdentity(SqliteConnection connection, RowOwner name, long now)
    {
        var over = _points.CountOf(connection, name) - options.RowsPerIdentity;
        if (over <= 0)
        {
            return default;
        }

        var change = _points.DeleteExpiredOf(connection, name, now);
        over += change.All;
        return over > 0 ? change + _points.DeleteOldestOf(connection, name, over) : change;
    }

    // Then those of whoever has most, so that no address can remove what others have put down.
    private void LimitAll(SqliteConnection connection, IpKey writer, RowCounts change, long now)
    {
        var over = Book(connection, change).All - options.MaxRows;
        if (over <= 0)
        {
            return;
        }

        var removed = _points.DeleteExpired(connection, now, over);
        for (over += removed.All; over > 0; over--)
        {
            removed += _points.DeleteOldestBy(connection, _points.Shares.Largest(writer));
        }

        Book(connection, removed);
    }

    private long Remove(SqliteConnection connection, Func<RowCounts> delete)
    {
        Synchronize(connection);
        var change = delete();
        Book(connection, change);
        return -change.All;
    }

    // At the start, and after a rollback, the rows are not those that were counted. Until Book, nobody knows whether this change will last.
    private void Synchronize(SqliteConnection connection)
    {
        if (_points.Revision(connection) != _revision)
        {
            _points.Recount(connection);
        }

        _revision = Unknown;
    }

    // Kept with the rows and not only in memory: what is rolled back is rolled back here too.
    private RowCounts Book(SqliteConnection connection, RowCounts change)
    {
        var totals = _points.Add(connection, change);
        _revision = _points.Advance(connection);
        Volatile.Write(ref _dailyPoints, totals.Points);
        Volatile.Write(ref _hourlyTokens, totals.Tokens);
        return totals;
    }

    private long Now() => time.GetUtcNow().ToUnixTimeMilliseconds();
}
