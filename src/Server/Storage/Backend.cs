using System.Data.Common;

namespace Relay.Storage;

/// <summary>
/// What SQLite and PostgreSQL do differently: how a connection is opened and checked, and what an error of theirs means. All else is
/// SQL that both understand. One connection at a time, on the database thread.
/// </summary>
internal abstract class Backend : IDisposable
{
    /// <summary>Which database it is, for people. Without a password.</summary>
    public abstract string Name { get; }

    /// <summary>Other relays may use it at the same time.</summary>
    public abstract bool IsShared { get; }

    /// <summary>Begins a transaction that may write.</summary>
    public abstract Statement Begin { get; }

    /// <summary>
    /// Opens the database at the start and brings it up to date. Throws <see cref="InvalidDataException"/>, with a sentence for the
    /// operator, when it cannot be used.
    /// </summary>
    public abstract DbConnection Open();

    /// <summary>Opens it again after its connection was lost. Throws what the driver throws.</summary>
    public abstract DbConnection Reopen();

    /// <summary>The statement or its values are wrong, which is a bug in relayd; any other error is trouble of the database.</summary>
    public abstract bool IsBug(DbException exception);

    /// <summary>Why <see cref="Open"/> has failed is that nobody answers, or not yet.</summary>
    public abstract bool IsUnreachable(InvalidDataException exception);

    /// <summary>The same transaction may succeed when it is done again.</summary>
    public abstract bool IsPassing(Exception exception, DbConnection connection);

    /// <summary>In bytes.</summary>
    public abstract long MeasureSize(DbConnection connection);

    public abstract void Dispose();

    public static Backend Create(StorageOptions options, TimeProvider time) =>
        options.Connection.Length > 0 ? new PostgresBackend(options.Connection, time) : new SqliteBackend(options.File, time);
}
