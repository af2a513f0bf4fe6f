using System.Data.Common;

namespace Relay.Storage;

/// <summary>
/// The one connection to the database and the one thread that uses it. Work from many sockets is done in batches: one transaction, one
/// flush. A caller's task ends when its work is on the disk (or has failed alone), so a handler that answers after awaiting it has
/// answered the truth; no thread waits meanwhile.
/// </summary>
internal sealed class Database : IHostedService, IDisposable
{
    public static readonly TimeSpan MeasureInterval = TimeSpan.FromSeconds(10);

    // Between two attempts to reach a database that is away: each twice as long as the one before.
    private static readonly TimeSpan ShortestPause = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(3);

    // Fixed after construction.
    private readonly TimeProvider _time;
    private readonly ILogger<Database> _logger;
    private readonly Backend _backend;
    private readonly Transactions _transactions;
    private readonly bool _mayStartAway;
    private readonly DatabaseFailures _failures;
    private readonly WorkQueue _queue;

    // Written at start.
    private Task _worker = Task.CompletedTask;
    private long _start;

    // Written by the database thread, read anywhere: why nothing can be done now.
    private volatile StorageException? _away;
    private DatabaseRelease? _release;

    // Atomic.
    private long _commits;
    private long _done;
    private long _size;

    /// <param name="mayStartAway">It may be started while it cannot be reached.</param>
    public Database(StorageOptions options, TimeProvider time, ILogger<Database> logger, bool mayStartAway = false)
    {
        (_mayStartAway, _failures) = (mayStartAway, new DatabaseFailures(time, logger));
        _time = time;
        _logger = logger;
        _backend = Backend.Create(options, time);
        _transactions = new Transactions(_backend, time);
        _queue = new WorkQueue(options);
    }

    /// <summary>Transactions that reached the disk, and the pieces of work in them.</summary>
    public (long Commits, long Work) Counts => (Interlocked.Read(ref _commits), Interlocked.Read(ref _done));

    /// <summary>Pieces of work that the database failed, or that were refused because too many waited or it was away.</summary>
    public long Failures => _failures.Count;

    /// <summary>Pieces of work that wait for the database thread.</summary>
    public int Waiting => _queue.Count;

    /// <summary>Its size in bytes, as it was measured last.</summary>
    public long Size => Interlocked.Read(ref _size);

    /// <summary>It cannot be reached: everything fails at once until it can be again.</summary>
    public bool IsAway => _away is not null;

    /// <summary>Which database it is, for people. Without a password.</summary>
    public string Name => _backend.Name;

    /// <summary>Other relays may write to it at the same time.</summary>
    public bool IsShared => _backend.IsShared;

    /// <summary>A number that no other start of a relay on this database makes, from one that is used once in this start.</summary>
    public long Own(long number) => Starts.Own(_start, number);

    /// <summary>This start has made it.</summary>
    public bool IsOwn(long made) => Starts.Of(made) == _start;

    /// <summary>The number of this start of the relay, as far as the database tells starts apart.</summary>
    public long Start => _start;

    /// <summary>
    /// Runs <paramref name="work"/> on the database thread as one unit: all of its statements take effect or, when it throws,
    /// none; it may be run anew when the first time was in vain. Units run in the order in which they were given. The task gives its
    /// result once that is on the disk, or its exception; a <see cref="StorageException"/> when the database fails it, too much waits,
    /// or the database is closed or away.
    /// </summary>
    public Task<T> RunAsync<T>(Func<DbConnection, T> work)
    {
        if (_away is { } away)
        {
            _failures.Add(1);
            return Task.FromException<T>(away);
        }

        var item = new Work<T>(work);
        if (_queue.TryAdd(item, out var isFull))
        {
            return item.Task;
        }

        var refused = isFull ? new StorageException($"More than {_queue.Max:#,0} pieces of work wait for the disk") : Closed();
        if (isFull)
        {
            _failures.Report(refused, 1);
        }

        return Task.FromException<T>(refused);
    }

    /// <summary>Has the database closed for another process, once what was asked before is done. Null: others may write to it at the same time, so there is nothing to be closed.</summary>
    public DatabaseRelease? Release()
    {
        var release = IsShared ? null : new DatabaseRelease();
        if (release is not null && RunAsync(_ => _release = release).IsFaulted)
        {
            // So much waits that not even this is taken: then not behind all of it.
            Volatile.Write(ref _release, release);
        }

        return release;
    }

    /// <summary>Opens the database, or makes it, and brings it up to date. Throws <see cref="InvalidDataException"/> when it cannot be used.</summary>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        _away = Open();
        _worker = Task.Factory.StartNew(Run, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        _start = IsAway ? Starts.Uncounted() : await RunAsync(Starts.Count);
        await MeasureAsync();
    }

    /// <summary>Finishes what is queued and closes the database.</summary>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        _queue.Close();
        await _worker;
        Dispose();
    }

    public void Dispose()
    {
        _queue.Close();
        _worker.Wait();

        // If the database was never opened, these did not run.
        while (_queue.TryTake(out var work))
        {
            work.Fail(Closed());
        }

        _transactions.Dispose();
        _backend.Dispose();
    }

    /// <summary>Measures its size anew.</summary>
    public async Task MeasureAsync()
    {
        try
        {
            Interlocked.Exchange(ref _size, await RunAsync(_backend.MeasureSize));
        }
        catch (StorageException)
        {
            // Logged already; the next time, then.
        }
    }

    // Null, or why it is away.
    private StorageException? Open()
    {
        try
        {
            _transactions.Open();
            DatabaseLog.Opened(_logger, _backend.Name, Migrations.Version(_transactions.Connection));
            return null;
        }
        catch (InvalidDataException exception) when (_mayStartAway && _backend.IsUnreachable(exception))
        {
            return new StorageException(exception.Message, exception);
        }
    }

    private void Run()
    {
        var batch = new List<Work>();
        if (_away is { } away)
        {
            WaitUntilBack(batch, away);
        }

        while (batch.Count > 0 || _queue.WaitAsync().GetAwaiter().GetResult())
        {
            _queue.Take(batch);
            var failure = _transactions.Run(batch, out var done);
            if (failure is null)
            {
                Complete(batch.GetRange(0, done));
                batch.RemoveRange(0, done);
            }
            else if (_transactions.IsLost)
            {
                WaitUntilBack(batch, failure);
            }
            else
            {
                _failures.Report(failure, batch.Count);
                batch.ForEach(work => work.Fail(failure));
                batch.Clear();
            }

            if (batch.Count == 0 && Interlocked.Exchange(ref _release, null) is { } release)
            {
                LetGo(release, batch);
            }
        }
    }

    private void LetGo(DatabaseRelease release, List<Work> batch)
    {
        _transactions.Dispose();
        _backend.Dispose();
        if (!release.WaitForEnd())
        {
            _away = new StorageException("The database belongs to the relay that has taken the place of this one");
            while (_queue.WaitAsync().GetAwaiter().GetResult())
            {
                _queue.Take(batch);
                Fail(batch, _away);
            }
        }
        else if (_transactions.Reopen() is { } why)
        {
            WaitUntilBack(batch, why);
        }
    }

    private void Complete(List<Work> batch)
    {
        Interlocked.Increment(ref _commits);
        Interlocked.Add(ref _done, batch.Count);
        foreach (var work in batch)
        {
            if (work.Error is StorageException)
            {
                _failures.Report(work.Error, 1);
            }

            work.Complete();
        }
    }

    // Nothing waits meanwhile: neither the batch, nor what came before RunAsync knew that the database is away.
    private void WaitUntilBack(List<Work> batch, StorageException why)
    {
        var (began, before) = (_time.GetTimestamp(), Failures);
        DatabaseLog.Away(_logger, _backend.Name, why.Message);
        for (var pause = ShortestPause; ; pause = pause * 2 < LongestPause ? pause * 2 : LongestPause)
        {
            _away = why;
            Fail(batch, why);
            var retry = Task.Delay(pause, _time);
            while (!retry.IsCompleted)
            {
                var more = _queue.WaitAsync();
                Task.WaitAny(retry, more);
                if (more.IsCompleted && !more.Result)
                {
                    return;
                }

                _queue.Take(batch);
                Fail(batch, why);
            }

            if (_transactions.Reopen() is not { } still)
            {
                _away = null;
                DatabaseLog.Back(_logger, _backend.Name, _time.GetElapsedTime(began).TotalSeconds, Failures - before);
                return;
            }

            if (still.InnerException is InvalidDataException && still.Message != why.Message)
            {
                // It was never open, and somebody has to do something about it.
                DatabaseLog.Away(_logger, _backend.Name, still.Message);
            }

            why = still;
        }
    }

    private void Fail(List<Work> batch, StorageException why)
    {
        _failures.Add(batch.Count);
        batch.ForEach(work => work.Fail(why));
        batch.Clear();
    }

    private static StorageException Closed() => new("The database is closed");
}
