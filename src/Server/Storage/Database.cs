using System.Threading.Channels;
using Microsoft.Data.Sqlite;

namespace Relay.Storage;

/// <summary>
/// The one SQLite file and the one thread that touches it. Work from many sockets is done in batches: one transaction, one
/// flush. A caller's task ends when its work is on the disk (or has failed alone), so whoever answers after awaiting it has
/// answered the truth; no thread waits meanwhile.
/// </summary>
internal sealed partial class Database : IHostedService, IDisposable
{
    private const int OpenAttempts = 5;

    private readonly StorageOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger<Database> _logger;

    // Bounded by its users: a socket waits for its own work before it takes the next message.
    private readonly Channel<Work> _queue = Channel.CreateUnbounded<Work>(new UnboundedChannelOptions { SingleReader = true });

    // Database thread only, once started.
    private SqliteConnection? _connection;
    private Task _worker = Task.CompletedTask;

    // Atomic.
    private long _commits;
    private long _done;

    public Database(StorageOptions options, TimeProvider time, ILogger<Database> logger)
    {
        _options = options;
        _time = time;
        _logger = logger;
    }

    /// <summary>Transactions that reached the disk, and the pieces of work in them.</summary>
    public (long Commits, long Work) Figures => (Interlocked.Read(ref _commits), Interlocked.Read(ref _done));

    /// <summary>Pieces of work that wait for the database thread.</summary>
    public int Waiting => _queue.Reader.Count;

    /// <summary>
    /// Runs <paramref name="work"/> on the database thread as one unit: all of its statements take effect or, when it throws,
    /// none. The task gives its result once that is on the disk, or its exception. Throws
    /// <see cref="OperationCanceledException"/> when the database is closed already.
    /// </summary>
    public Task<T> RunAsync<T>(Func<SqliteConnection, T> work)
    {
        var item = new Work<T>(work);
        return _queue.Writer.TryWrite(item) ? item.Task : Task.FromCanceled<T>(new CancellationToken(canceled: true));
    }

    /// <summary>Opens the file, or makes it, and brings it up to date. Throws <see cref="InvalidDataException"/> when it cannot be used.</summary>
    public Task StartAsync(CancellationToken cancellationToken)
    {
        _connection = Open();
        _worker = Task.Factory.StartNew(Run, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        return Task.CompletedTask;
    }

    /// <summary>Finishes what is queued and closes the file.</summary>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        _queue.Writer.TryComplete();
        await _worker;
    }

    public void Dispose()
    {
        _queue.Writer.TryComplete();
        _worker.Wait();
        _connection?.Dispose();
        _connection = null;
    }

    private SqliteConnection Open()
    {
        try
        {
            CreateFile(_options.File);
            var connection = new SqliteConnection(new SqliteConnectionStringBuilder
            {
                DataSource = _options.File,
                Mode = SqliteOpenMode.ReadWrite,
                Pooling = false,
                DefaultTimeout = OpenAttempts,
            }.ToString());
            connection.Open();

            // FULL: a commit is flushed before it is answered, so that even a power cut takes nothing back.
            Execute(connection, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY");
            Migrations.Apply(connection, _time);
            Log.Opened(_logger, _options.File, Migrations.Version(connection));
            return connection;
        }
        catch (SqliteException exception)
        {
            throw new InvalidDataException(
                $"{_options.File} cannot be used as the database: {exception.Message} Restore it from a backup or move it away; without it a new one is made.", exception);
        }
        catch (Exception exception) when (exception is InvalidDataException or UnauthorizedAccessException or IOException)
        {
            throw new InvalidDataException($"{_options.File}: {exception.Message}", exception);
        }
    }

    private static void CreateFile(string path)
    {
        if (Path.GetDirectoryName(Path.GetFullPath(path)) is { } folder)
        {
            Directory.CreateDirectory(folder);
        }

        // Dead drops are other people's letters: nobody but the relay reads the file.
        using var file = new FileStream(path, new FileStreamOptions
        {
            Mode = FileMode.OpenOrCreate,
            Access = FileAccess.ReadWrite,
            Share = FileShare.ReadWrite | FileShare.Delete,
            UnixCreateMode = OperatingSystem.IsWindows() ? null : UnixFileMode.UserRead | UnixFileMode.UserWrite,
        });
    }

    private void Run()
    {
        var batch = new List<Work>(_options.BatchSize);
        while (_queue.Reader.WaitToReadAsync().AsTask().GetAwaiter().GetResult())
        {
            while (batch.Count < _options.BatchSize && _queue.Reader.TryRead(out var work))
            {
                batch.Add(work);
            }

            RunBatch(batch);
            batch.Clear();
        }
    }

    private void RunBatch(List<Work> batch)
    {
        var connection = _connection!;
        try
        {
            Execute(connection, "BEGIN IMMEDIATE");
            foreach (var work in batch)
            {
                // A piece of work that fails takes back its own statements and nobody else's.
                Execute(connection, "SAVEPOINT work");
                if (!work.Run(connection))
                {
                    Execute(connection, "ROLLBACK TO work");
                }

                Execute(connection, "RELEASE work");
            }

            Execute(connection, "COMMIT");
            Interlocked.Increment(ref _commits);
            Interlocked.Add(ref _done, batch.Count);
            batch.ForEach(work => work.Complete());
        }
        catch (Exception exception)
        {
            Log.BatchFailed(_logger, exception, batch.Count);
            TryRollback(connection);
            batch.ForEach(work => work.Fail(exception));
        }
    }

    private static void TryRollback(SqliteConnection connection)
    {
        try
        {
            Execute(connection, "ROLLBACK");
        }
        catch (SqliteException)
        {
            // SQLite has rolled back by itself, as it does when the disk is full.
        }
    }

    private static void Execute(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }

    private abstract class Work
    {
        /// <summary>False when the work threw: what it did must be taken back.</summary>
        public abstract bool Run(SqliteConnection connection);

        public abstract void Complete();

        public abstract void Fail(Exception exception);
    }

    private sealed class Work<T>(Func<SqliteConnection, T> run) : Work
    {
        private readonly TaskCompletionSource<T> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private T? _result;
        private Exception? _exception;

        public Task<T> Task => _done.Task;

        public override bool Run(SqliteConnection connection)
        {
            try
            {
                _result = run(connection);
                return true;
            }
            catch (Exception exception)
            {
                _exception = exception;
                return false;
            }
        }

        public override void Complete()
        {
            if (_exception is null)
            {
                _done.SetResult(_result!);
            }
            else
            {
                _done.SetException(_exception);
            }
        }

        public override void Fail(Exception exception) => _done.TrySetException(_exception ?? exception);
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Information, "Database {File}, schema version {Version}")]
        public static partial void Opened(ILogger logger, string file, int version);

        [LoggerMessage(2, LogLevel.Error, "A transaction of {Count} messages failed; none of it took effect")]
        public static partial void BatchFailed(ILogger logger, Exception exception, int count);
    }
}
