using Microsoft.Data.Sqlite;

namespace Relay.Storage;

/// <summary>A SQLite file that is only read and stays as it is. No relay can use it meanwhile.</summary>
internal sealed class SourceFile : IDisposable
{
    private readonly FileStream? _hold;

    private SourceFile(SqliteConnection connection, FileStream? hold)
    {
        _hold = hold;
        Connection = connection;
        Tables = Migrations.Tables(connection);
        Version = Tables.Contains("schema_version") ? Migrations.Version(connection) : 0;
    }

    public SqliteConnection Connection { get; }

    public IReadOnlyList<string> Tables { get; }

    /// <summary>Of its schema.</summary>
    public int Version { get; }

    /// <summary>Throws <see cref="InvalidDataException"/>, with a sentence for the operator, when it is no file of a relay.</summary>
    public static SourceFile Open(string file)
    {
        if (!File.Exists(file))
        {
            throw new InvalidDataException($"There is no file '{file}'");
        }

        FileStream? hold = null;
        SqliteConnection? connection = null;
        try
        {
            hold = Hold($"{file}-lock");
            connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = Source(file), Mode = SqliteOpenMode.ReadOnly, Pooling = false }.ToString());
            connection.Open();
            using var check = connection.CreateCommand();
            check.CommandText = "PRAGMA quick_check(1)";
            if (check.ExecuteScalar() as string is not "ok" and var damage)
            {
                throw new InvalidDataException($"it is damaged: {damage}");
            }

            var source = new SourceFile(connection, hold);
            return source.Version == 0 ? throw new InvalidDataException("it is not a relay's")
                : source.Version > Migrations.Embedded[^1].Version ? throw new InvalidDataException("a newer relayd has written it. Use that one")
                : source;
        }
        catch (Exception exception) when (exception is SqliteException or InvalidDataException or IOException or UnauthorizedAccessException)
        {
            connection?.Dispose();
            hold?.Dispose();
            throw new InvalidDataException($"The file '{file}' cannot be copied: {exception.Message.TrimEnd('.')}", exception);
        }
    }

    public void Dispose()
    {
        Connection.Dispose();
        _hold?.Dispose();
    }

    // What a killed relay has left in the write-ahead log belongs to it. Without one nothing at all is written beside the file.
    private static string Source(string file) => new FileInfo($"{file}-wal") is { Exists: true, Length: > 0 }
        ? file
        : $"file:{string.Join('/', Path.GetFullPath(file).Split('/').Select(Uri.EscapeDataString))}?immutable=1";

    private static FileStream? Hold(string path)
    {
        try
        {
            return new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.None);
        }
        catch (FileNotFoundException)
        {
            return null;
        }
        catch (IOException exception)
        {
            throw new InvalidDataException("a relay is using it. Stop that one first", exception);
        }
    }
}
