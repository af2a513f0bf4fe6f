using System.Data.Common;
using Relay.Addresses;
using Relay.Protocol.Moving;
using Relay.Storage;

namespace Relay.Rendezvous;

/// <summary>
/// Rendezvous points and tokens on disk: what is stored, what is found, how much is kept. Each operation is one piece of work for
/// the database thread, so that all of a message is kept or nothing. Of all relays on a database one at a time changes them: of two
/// peers who meet exactly one is the later, and the limits hold for all relays together.
/// </summary>
internal sealed class RendezvousStore(Database database, RendezvousOptions options, TimeProvider time) : IMovable
{
    private const long Unknown = -1;

    // Database thread only.
    private readonly RendezvousRows _rows = new();
    private long _written;

    // The state of the rows that _written and the shares are of; Unknown while a change of ours may still be rolled back.
    private long _revision = Unknown;
    private long _nextRevision;

    // When the shares were counted last; whether they may have changed since without our notice.
    private long? _counted;
    private bool _isStale = true;

    // Written by the database thread; read anywhere.
    private long _dailyPoints;
    private long _hourlyTokens;

    // The start of the relay whose place this one has taken, with its clients: their tokens were written then. 0: there is none.
    private long _start;

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

    // What this relay's tokens are numbered with.
    private long Start => Volatile.Read(ref _start) is not 0 and var start ? start : database.Start;

    /// <summary>While the database is another process', what waits for it can be done there as well.</summary>
    public bool IsRepeatable => !database.IsShared;

    public void Write(Departure departure) => departure.Write(new MovedPart { Tokens = new MovedTokens { Start = Start } });

    public bool TryRead(MovedPart part, Arrivals arrivals)
    {
        if (part.Tokens is not { } tokens)
        {
            return false;
        }

        Volatile.Write(ref _start, tokens.Start);
        return true;
    }

    /// <summary>Keeps what is put down and gives what others had put down there. Done when it is on the disk.</summary>
    public async Task<Findings> RegisterAsync(Registration registration)
    {
        var found = await database.RunAsync(connection => Register(connection, registration with { Owner = Own(registration.Owner) }));
        return found with
        {
            Tokens = found.Tokens.ConvertAll(token => token with
            {
                Owner = Starts.NumberOf(token.Owner),
                Start = Starts.Of(token.Owner) == Start ? 0 : Starts.Of(token.Owner),
            }),
        };
    }

    /// <summary>Removes the tokens that a session held under these names.</summary>
    public Task RemoveTokensAsync(long owner, IReadOnlyList<string> names) =>
        database.RunAsync(connection => RemoveTokens(connection, Own(owner), names));

    /// <summary>Removes some of what has expired, at most so many rows; gives how many it were.</summary>
    public Task<long> RemoveExpiredAsync(int most) => database.RunAsync(connection => RemoveExpired(connection, most));

    /// <summary>
    /// Removes some of the tokens that a relay has left which is no more; gives how many it were. On a database that others use nobody
    /// knows which those are: they match no session any more, and expire.
    /// </summary>
    public Task<long> RemoveLeftTokensAsync(int most) => database.IsShared
        ? Task.FromResult(0L)
        : database.RunAsync(connection => Remove(connection, () => _rows.DeleteTokens(connection, most)));

    /// <summary>Counts what is there; anew, unless others would have to wait for it. A database that is away is counted by its first user.</summary>
    public Task CountAsync() => database.IsAway ? Task.CompletedTask : database.RunAsync(connection =>
    {
        Synchronize(connection);
        if (!database.IsShared)
        {
            _rows.Recount(connection);
        }

        return Book(connection, default);
    });

    internal Findings Register(DbConnection connection, Registration registration)
    {
        Synchronize(connection);
        var now = Now();
        var found = new Findings([], []);
        var (change, added) = (default(RowCounts), 0L);
        foreach (var (hash, drop) in registration.Request.Points)
        {
            _rows.FindDrops(connection, registration, hash, now, options.ResultsPerPoint, found.Drops);
            var expires = now + (long)options.DailyPointLifetime.TotalMilliseconds;
            var put = _rows.Put(connection, registration, RendezvousRows.Daily, hash, drop, ++_written, expires);
            added += put.All;
            change += put + _rows.LimitPoint(connection, registration.Address, RendezvousRows.Daily, hash, options.ResultsPerPoint, now);
        }

        foreach (var hash in registration.Request.Tokens)
        {
            _rows.FindTokens(connection, registration, hash, now, options.ResultsPerPoint, found.Tokens);
            var expires = now + (long)options.HourlyTokenLifetime.TotalMilliseconds;
            var put = _rows.Put(connection, registration, RendezvousRows.Hourly, hash, "", ++_written, expires);
            added += put.All;
            change += put + _rows.LimitPoint(connection, registration.Address, RendezvousRows.Hourly, hash, options.ResultsPerPoint, now);
        }

        foreach (var hash in registration.Away.SelectMany(redirect => redirect.DailyPoints))
        {
            _rows.FindDrops(connection, registration, hash, now, options.ResultsPerPoint, found.Drops);
        }

        foreach (var hash in registration.Away.SelectMany(redirect => redirect.HourlyTokens))
        {
            _rows.FindTokens(connection, registration, hash, now, options.ResultsPerPoint, found.Tokens);
        }

        if (added > 0)
        {
            change += LimitIdentity(connection, registration.Name, now);
        }

        LimitAll(connection, registration.Address, change, now);
        return found;
    }

    internal long RemoveTokens(DbConnection connection, long owner, IReadOnlyList<string> names) =>
        Remove(connection, () => names.Aggregate(default(RowCounts), (change, name) => change + _rows.DeleteTokensOf(connection, name, owner)));

    internal long RemoveExpired(DbConnection connection, int most) =>
        Remove(connection, () => _rows.DeleteExpired(connection, Now(), most));

    // Expired rows are removed first: they are only there because the sweep has not run yet.
    private RowCounts LimitIdentity(DbConnection connection, RowOwner name, long now)
    {
        var over = _rows.CountOf(connection, name) - options.RowsPerIdentity;
        if (over <= 0)
        {
            return default;
        }

        var change = _rows.DeleteExpiredOf(connection, name, now);
        over += change.All;
        return over > 0 ? change + _rows.DeleteOldestOf(connection, name, over) : change;
    }

    // Then those of whoever has most, so that no address can remove what others have put down.
    private void LimitAll(DbConnection connection, IpKey writer, RowCounts change, long now)
    {
        var over = Book(connection, change).Weight - options.MaxRows;
        if (over <= 0)
        {
            return;
        }

        var removed = _rows.DeleteExpired(connection, now, over);
        while (over + removed.Weight > 0 && RemoveOldestOfLargest(connection, writer) is { All: not 0 } oldest)
        {
            removed += oldest;
        }

        Book(connection, removed);
    }

    // Counting takes long where there is much, and others wait meanwhile: the shares may be a little old.
    private RowCounts RemoveOldestOfLargest(DbConnection connection, IpKey writer)
    {
        if (_counted is null || (_isStale && time.GetElapsedTime(_counted.Value) >= options.RecountInterval))
        {
            CountShares(connection);
        }

        var removed = _rows.DeleteOldestBy(connection, _rows.Largest(writer));
        if (removed.All == 0)
        {
            // It has none any more.
            CountShares(connection);
            removed = _rows.DeleteOldestBy(connection, _rows.Largest(writer));
        }

        return removed;
    }

    private void CountShares(DbConnection connection)
    {
        _rows.CountShares(connection);
        _counted = time.GetTimestamp();
        _isStale = false;
    }

    private long Remove(DbConnection connection, Func<RowCounts> delete)
    {
        Synchronize(connection);
        var change = delete();
        Book(connection, change);
        return -change.All;
    }

    // At the start, after a rollback, and when another relay has written, the rows are not those that we know. Until Book, nobody knows
    // whether this change will last.
    private void Synchronize(DbConnection connection)
    {
        _nextRevision = _rows.Advance(connection);
        if (_nextRevision - 1 != _revision)
        {
            _written = _rows.Newest(connection);
            _isStale = true;
        }

        _revision = Unknown;
    }

    // Kept with the rows and not only in memory: what is rolled back is rolled back here too.
    private RowCounts Book(DbConnection connection, RowCounts change)
    {
        var totals = _rows.Add(connection, change);
        _revision = _nextRevision;
        Volatile.Write(ref _dailyPoints, totals.Points);
        Volatile.Write(ref _hourlyTokens, totals.Tokens);
        return totals;
    }

    private long Own(long session) => Starts.Own(Start, session);

    private long Now() => time.GetUtcNow().ToUnixTimeMilliseconds();
}
