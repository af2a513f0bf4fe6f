using System.Globalization;
using System.Reflection;
using Microsoft.Data.Sqlite;

namespace Relay.Storage;

/// <summary>Brings a database to the version of this program: the embedded NNN_name.sql files, in their order, each in one transaction.</summary>
internal static class Migrations
{
    /// <summary>Throws <see cref="InvalidDataException"/> for a database that a newer program has written.</summary>
    public static void Apply(SqliteConnection connection, TimeProvider time)
    {
        Execute(connection, "CREATE TABLE IF NOT EXISTS schema_version (version INTEGER NOT NULL PRIMARY KEY, applied_at BIGINT NOT NULL)");
        var version = Version(connection);
        var scripts = Scripts();
        if (version > scripts[^1].Version)
        {
            throw new InvalidDataException(
                $"the database has schema version {version}, this program knows {scripts[^1].Version}: it was written by a newer version; run that one, or name another Storage:File");
        }

        foreach (var (number, name) in scripts.Where(script => script.Version > version))
        {
            using var transaction = connection.BeginTransaction();
            Execute(connection, Text(name));
            using var command = connection.CreateCommand();
            command.CommandText = "INSERT INTO schema_version (version, applied_at) VALUES ($version, $now)";
            command.Parameters.AddWithValue("$version", number);
            command.Parameters.AddWithValue("$now", time.GetUtcNow().ToUnixTimeMilliseconds());
            command.ExecuteNonQuery();
            transaction.Commit();
        }
    }

    /// <summary>0: nothing applied yet.</summary>
    public static int Version(SqliteConnection connection)
    {
        using var command = connection.CreateCommand();
        command.CommandText = "SELECT coalesce(max(version), 0) FROM schema_version";
        return Convert.ToInt32(command.ExecuteScalar(), CultureInfo.InvariantCulture);
    }

    private static List<(int Version, string Name)> Scripts() =>
        [.. from name in Assembly.GetExecutingAssembly().GetManifestResourceNames()
            where name.EndsWith(".sql", StringComparison.Ordinal)
            orderby name
            select (int.Parse(name.AsSpan(0, 3), CultureInfo.InvariantCulture), name)];

    private static string Text(string name)
    {
        using var reader = new StreamReader(Assembly.GetExecutingAssembly().GetManifestResourceStream(name)!);
        return reader.ReadToEnd();
    }

    private static void Execute(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }
}
