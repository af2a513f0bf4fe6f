using Microsoft.Data.Sqlite;

namespace Relay.Storage;

/// <summary>The SQLite file, made or opened, checked, brought up to date, and held so that no second relay uses it.</summary>
internal sealed class DatabaseFile : IDisposable
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    // An SQLite prompt may lock the file for a moment.
    private const int BusySeconds = 5;

    private readonly FileStream _hold;

    private DatabaseFile(FileStream hold, SqliteConnection connection)
    {
        _hold = hold;
        Connection = connection;
    }

    public SqliteConnection Connection { get; }

    /// <summary>Throws <see cref="InvalidDataException"/>, with a sentence for the operator, when the file cannot be used.</summary>
    public static DatabaseFile Open(string path, TimeProvider time)
    {
        path = Path.GetFullPath(path);
        FileStream? hold = null;
        SqliteConnection? connection = null;
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!, OwnerOnly | UnixFileMode.UserExecute);

            // Held to the end of the process, however it ends. On a file of its own: SQLite's locks are on the database, and
            // leave other readers, such as a backup, in.
            hold = OpenOrCreate($"{path}-lock", FileShare.None);

            // Dead drops belong to clients: only the relay may read the file.
            OpenOrCreate(path, FileShare.ReadWrite).Dispose();
            connection = new SqliteConnection(new SqliteConnectionStringBuilder
            {
                DataSource = path,
                Mode = SqliteOpenMode.ReadWrite,
                Pooling = false,
                DefaultTimeout = BusySeconds,
            }.ToString());
            connection.Open();
            Prepare(connection);
            Migrations.Apply(connection, Migrations.Embedded, time);
            return new DatabaseFile(hold, connection);
        }
        catch (Exception exception) when (exception is SqliteException or InvalidDataException or UnauthorizedAccessException or IOException)
        {
            connection?.Dispose();
            hold?.Dispose();

            // A plain IOException means that another process has the file. A backup would be the wrong advice.
            var isInUse = hold is null && exception.GetType() == typeof(IOException) && File.Exists($"{path}-lock");
            throw new InvalidDataException(
                $"The database '{path}' cannot be used: " + (isInUse
                    ? "it is used by another process, most likely another relayd. Stop that one, or name another file in Storage:File for this one."
                    : $"{exception.Message.TrimEnd('.')}. Put it back from a backup, correct its owner and mode, or name another file in Storage:File. "
                        + "It is never replaced automatically; moving it away makes a new one, without what the old one held."),
                exception);
        }
    }

    public void Dispose()
    {
        Connection.Dispose();
        _hold.Dispose();
    }

    private static FileStream OpenOrCreate(string path, FileShare share) => new(path, new FileStreamOptions
    {
        Mode = FileMode.OpenOrCreate,
        Access = FileAccess.ReadWrite,
        Share = share,
        UnixCreateMode = OwnerOnly,
    });

    // FULL: a commit is flushed before it is answered, so that even a power failure loses nothing.
    private static void Prepare(SqliteConnection connection)
    {
        var mode = Ask(connection, "PRAGMA journal_mode = WAL");
        if (mode != "wal")
        {
            throw new InvalidDataException($"its journal mode is '{mode}', and this file system allows no other");
        }

        Ask(connection, "PRAGMA synchronous = FULL; PRAGMA temp_store = MEMORY; PRAGMA journal_size_limit = 67108864");
        var damage = Ask(connection, "PRAGMA quick_check(1)");
        if (damage != "ok")
        {
            throw new InvalidDataException($"it is damaged: {damage}");
        }
    }

    private static string? Ask(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        return command.ExecuteScalar() as string;
    }
}
