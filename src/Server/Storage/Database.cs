using System.Threading.Channels;
using Microsoft.Data.Sqlite;

namespace Relay.Storage;

/// <summary>
/// The one SQLite file and the one thread that touches it. Work from many sockets is done in batches: one transaction, one
/// flush. A caller's task ends when its work is on the disk (or has failed alone), so a handler that answers after awaiting it has
/// answered the truth; no thread waits meanwhile.
/// </summary>
internal sealed partial class Database : IHostedService, IDisposable
{
    // A full disk fails every message; one log line in this interval is enough.
    private static readonly TimeSpan BetweenReports = TimeSpan.FromSeconds(10);

    // Fixed after construction.
    private readonly StorageOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger<Database> _logger;
    private readonly Statement _begin = new("BEGIN IMMEDIATE");
    private readonly Statement _savepoint = new("SAVEPOINT work");
    private readonly Statement _takeBack = new("ROLLBACK TO work");
    private readonly Statement _release = new("RELEASE work");
    private readonly Statement _commit = new("COMMIT");
    private readonly Statement _rollback = new("ROLLBACK");

    // What a writer continues is the database thread's wait for an event: it must not need a thread of the pool for that.
    private readonly Channel<Work> _queue = Channel.CreateUnbounded<Work>(
        new UnboundedChannelOptions { SingleReader = true, AllowSynchronousContinuations = true });

    // Written at start and stop; between them for the database thread only.
    private DatabaseFile? _file;
    private Task _worker = Task.CompletedTask;

    // Atomic.
    private int _waiting;
    private long _commits;
    private long _done;
    private long _failures;
    private long _reported;
    private long _reportedAt;

    public Database(StorageOptions options, TimeProvider time, ILogger<Database> logger)
    {
        _options = options;
        _time = time;
        _logger = logger;
    }

    /// <summary>Transactions that reached the disk, and the pieces of work in them.</summary>
    public (long Commits, long Work) Counts => (Interlocked.Read(ref _commits), Interlocked.Read(ref _done));

    /// <summary>Pieces of work that the disk failed, or that were refused because too many waited.</summary>
    public long Failures => Interlocked.Read(ref _failures);

    /// <summary>Pieces of work that wait for the database thread.</summary>
    public int Waiting => Volatile.Read(ref _waiting);

    /// <summary>
    /// Runs <paramref name="work"/> on the database thread as one unit: all of its statements take effect or, when it throws,
    /// none. Units run in the order in which they were given. The task gives its result once that is on the disk, or its
    /// exception; a <see cref="StorageException"/> when the disk fails, too much waits or the database is closed.
    /// </summary>
    public Task<T> RunAsync<T>(Func<SqliteConnection, T> work)
    {
        if (Interlocked.Increment(ref _waiting) > _options.MaxWaiting)
        {
            Interlocked.Decrement(ref _waiting);
            var refused = new StorageException($"More than {_options.MaxWaiting:#,0} pieces of work wait for the disk");
            Report(refused, 1);
            return Task.FromException<T>(refused);
        }

        var item = new Work<T>(work);
        if (_queue.Writer.TryWrite(item))
        {
            return item.Task;
        }

        Interlocked.Decrement(ref _waiting);
        return Task.FromException<T>(Closed());
    }

    /// <summary>Opens the file, or makes it, and brings it up to date. Throws <see cref="InvalidDataException"/> when it cannot be used.</summary>
    public Task StartAsync(CancellationToken cancellationToken)
    {
        _file = DatabaseFile.Open(_options.File, _time);
        Log.Opened(_logger, _options.File, Migrations.Version(_file.Connection));
        _worker = Task.Factory.StartNew(
            () => Run(_file.Connection), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        return Task.CompletedTask;
    }

    /// <summary>Finishes what is queued and closes the file.</summary>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        _queue.Writer.TryComplete();
        await _worker;
        Dispose();
    }

    public void Dispose()
    {
        _queue.Writer.TryComplete();
        _worker.Wait();

        // If the file was never opened, these did not run.
        while (_queue.Reader.TryRead(out var work))
        {
            Interlocked.Decrement(ref _waiting);
            work.Fail(Closed());
        }

        _file?.Dispose();
        _file = null;
    }

    private void Run(SqliteConnection connection)
    {
        var batch = new List<Work>();
        while (_queue.Reader.WaitToReadAsync().AsTask().GetAwaiter().GetResult())
        {
            while (batch.Count < _options.BatchSize && _queue.Reader.TryRead(out var work))
            {
                Interlocked.Decrement(ref _waiting);
                batch.Add(work);
            }

            RunBatch(connection, batch);
            batch.Clear();
        }
    }

    private void RunBatch(SqliteConnection connection, List<Work> batch)
    {
        try
        {
            _begin.Execute(connection);
            foreach (var work in batch)
            {
                RunOne(connection, work);
            }

            _commit.Execute(connection);
        }
        catch (Exception exception)
        {
            TryRollback(connection);

            // Where SQLite has rolled back by itself, because of one piece of work, that one knows why.
            var failure = batch.Select(work => work.Error).OfType<StorageException>().FirstOrDefault()
                ?? new StorageException(exception.Message, exception);
            Report(failure, batch.Count);
            batch.ForEach(work => work.Fail(failure));
            return;
        }

        Interlocked.Increment(ref _commits);
        Interlocked.Add(ref _done, batch.Count);
        foreach (var work in batch)
        {
            if (work.Error is StorageException)
            {
                Report(work.Error, 1);
            }

            work.Complete();
        }
    }

    // A failed operation rolls back its own statements and no others.
    private void RunOne(SqliteConnection connection, Work work)
    {
        _savepoint.Execute(connection);
        work.Run(connection);
        if (work.Error is not null)
        {
            _takeBack.Execute(connection);
        }

        _release.Execute(connection);
    }

    private void TryRollback(SqliteConnection connection)
    {
        try
        {
            _rollback.Execute(connection);
        }
        catch (SqliteException)
        {
            // SQLite has rolled back by itself, as it may when the disk is full.
        }
    }

    private void Report(Exception exception, int count)
    {
        var failures = Interlocked.Add(ref _failures, count);
        var last = Interlocked.Read(ref _reportedAt);
        var now = _time.GetTimestamp();
        if ((last == 0 || _time.GetElapsedTime(last, now) >= BetweenReports)
            && Interlocked.CompareExchange(ref _reportedAt, now, last) == last)
        {
            // A full disk is not a bug: a stack trace would not help.
            Log.Failed(
                _logger, exception.InnerException is null or SqliteException ? null : exception, failures - Interlocked.Exchange(ref _reported, failures), exception.Message);
        }
    }

    private static StorageException Closed() => new("The database is closed");

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Information, "Database {File}, schema version {Version}")]
        public static partial void Opened(ILogger logger, string file, int version);

        [LoggerMessage(2, LogLevel.Error, "The database failed {Count} pieces of work since the last such line; nothing of them took effect: {Why}")]
        public static partial void Failed(ILogger logger, Exception? exception, long count, string why);
    }
}
