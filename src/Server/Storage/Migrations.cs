using System.Globalization;
using System.Reflection;
using Microsoft.Data.Sqlite;

namespace Relay.Storage;

/// <summary>Brings a database to the version of this program: the embedded NNN_name.sql files, in their order, each in one transaction.</summary>
internal static class Migrations
{
    /// <summary>The steps that this program knows, in their order.</summary>
    public static IReadOnlyList<Migration> Embedded { get; } = ReadEmbedded(Assembly.GetExecutingAssembly());

    /// <summary>
    /// Applies what the database has not seen yet. Throws <see cref="InvalidDataException"/> for a database that a newer
    /// program has written, and for one that is not a relay's.
    /// </summary>
    public static void Apply(SqliteConnection connection, IReadOnlyList<Migration> migrations, TimeProvider time)
    {
        Start(connection);
        var version = Version(connection);
        if (version > migrations[^1].Version)
        {
            throw new InvalidDataException(
                $"it has schema version {version} and this program knows {migrations[^1].Version}: a newer version has written it. Run that one");
        }

        foreach (var migration in migrations.Where(migration => migration.Version > version))
        {
            using var transaction = connection.BeginTransaction();
            Execute(connection, migration.Sql);
            Execute(
                connection,
                "INSERT INTO schema_version (version, applied_at) VALUES ($version, $now)",
                ("$version", migration.Version),
                ("$now", time.GetUtcNow().ToUnixTimeMilliseconds()));
            transaction.Commit();
        }
    }

    /// <summary>0: nothing applied yet.</summary>
    public static int Version(SqliteConnection connection) => (int)Number(connection, "SELECT coalesce(max(version), 0) FROM schema_version");

    private static void Start(SqliteConnection connection)
    {
        if (Number(connection, "SELECT count(*) FROM sqlite_master WHERE name = 'schema_version'") > 0)
        {
            return;
        }

        if (Number(connection, "SELECT count(*) FROM sqlite_master") > 0)
        {
            throw new InvalidDataException("it is the database of some other program");
        }

        Execute(connection, "CREATE TABLE schema_version (version INTEGER NOT NULL PRIMARY KEY, applied_at BIGINT NOT NULL)");
    }

    private static List<Migration> ReadEmbedded(Assembly assembly) =>
        [.. from name in assembly.GetManifestResourceNames()
            where name.EndsWith(".sql", StringComparison.Ordinal)
            let version = int.Parse(name.AsSpan(0, 3), CultureInfo.InvariantCulture)
            orderby version
            select new Migration(version, Text(assembly, name))];

    private static string Text(Assembly assembly, string name)
    {
        using var reader = new StreamReader(assembly.GetManifestResourceStream(name)!);
        return reader.ReadToEnd();
    }

    private static void Execute(SqliteConnection connection, string sql, params ReadOnlySpan<(string Name, long Value)> values)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        foreach (var (name, value) in values)
        {
            command.Parameters.AddWithValue(name, value);
        }

        command.ExecuteNonQuery();
    }

    private static long Number(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        return (long)command.ExecuteScalar()!;
    }
}
