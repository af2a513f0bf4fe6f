using System.Data.Common;

namespace Relay.Storage;

/// <summary>The connection, and batches of work done on it as one transaction each. Database thread only, once it is open.</summary>
internal sealed class Transactions(Backend backend, TimeProvider time) : IDisposable
{
    // The first, and those after something that passes (Backend.IsPassing).
    private const int Tries = 3;

    // Other relays may wait for a row that a transaction has changed, and not for long (PostgresBackend); on a slow server a batch takes long.
    private static readonly TimeSpan LongestShared = TimeSpan.FromMilliseconds(500);

    private readonly Statement _savepoint = new("SAVEPOINT work");
    private readonly Statement _takeBack = new("ROLLBACK TO work");
    private readonly Statement _release = new("RELEASE work");
    private readonly Statement _commit = new("COMMIT");
    private readonly Statement _rollback = new("ROLLBACK");

    private DbConnection? _connection;
    private bool _wasOpen;

    public DbConnection Connection => _connection ?? throw new StorageException("The database is not open");

    /// <summary>The connection has ended and could not be opened anew.</summary>
    public bool IsLost => _connection is null;

    /// <summary>Throws <see cref="InvalidDataException"/> when the database cannot be used.</summary>
    public void Open() => (_connection, _wasOpen) = (backend.Open(), true);

    /// <summary>Opens the connection anew; or why that is not possible now.</summary>
    public StorageException? Reopen()
    {
        Dispose();
        try
        {
            if (_wasOpen)
            {
                _connection = backend.Reopen();
            }
            else
            {
                Open();
            }

            return null;
        }
        catch (Exception exception) when (exception is DbException or TimeoutException or IOException or InvalidDataException)
        {
            return new StorageException(exception.Message, exception);
        }
    }

    /// <summary>
    /// Does the batch in one transaction, or the first part of it if other relays use the database too and it takes long; null when that is on the disk,
    /// or why nothing of it took effect.
    /// </summary>
    /// <param name="done">How many pieces of work that are.</param>
    public StorageException? Run(IReadOnlyList<Work> batch, out int done)
    {
        done = 0;
        for (var tried = 1; ; tried++)
        {
            var isCommitting = false;
            try
            {
                backend.Begin.Execute(Connection);
                var began = time.GetTimestamp();
                for (done = 0; done < batch.Count && !(backend.IsShared && time.GetElapsedTime(began) > LongestShared); done++)
                {
                    RunOne(batch[done]);
                }

                isCommitting = true;
                _commit.Execute(Connection);
                return null;
            }
            catch (Exception exception)
            {
                // Where the database has rolled back by itself, because of one piece of work, that one knows why.
                var failure = batch.Select(work => work.Error).OfType<StorageException>().FirstOrDefault()
                    ?? exception as StorageException ?? new StorageException(exception.Message, exception);

                // A commit that was not answered may have taken effect: it is not done again.
                var isPassing = !isCommitting && tried < Tries && backend.IsPassing(failure.InnerException ?? failure, Connection);
                TryRollback();
                if (Connection.State != System.Data.ConnectionState.Open && Reopen() is { } away)
                {
                    return away;
                }

                if (!isPassing)
                {
                    return failure;
                }
            }
        }
    }

    public void Dispose()
    {
        _connection?.Dispose();
        _connection = null;
    }

    // A failed operation rolls back its own statements and no others.
    private void RunOne(Work work)
    {
        _savepoint.Execute(Connection);
        work.Run(Connection, backend);
        if (work.Error is StorageException { InnerException: { } cause } failure && backend.IsPassing(cause, Connection))
        {
            throw failure;
        }

        if (work.Error is not null)
        {
            _takeBack.Execute(Connection);
        }

        _release.Execute(Connection);
    }

    private void TryRollback()
    {
        try
        {
            _rollback.Execute(Connection);
        }
        catch (Exception exception) when (exception is DbException or InvalidOperationException)
        {
            // SQLite has rolled back by itself, as it may when the disk is full; or the connection is lost.
        }
    }
}
