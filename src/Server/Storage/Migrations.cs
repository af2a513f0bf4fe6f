using System.Data.Common;
using System.Globalization;
using System.Reflection;
using System.Text.RegularExpressions;
using Npgsql;

namespace Relay.Storage;

/// <summary>Brings a database to the version of this program: the embedded NNN_name.sql files, in their order, each in one transaction.</summary>
internal static partial class Migrations
{
    /// <summary>The steps that this program knows, in their order.</summary>
    public static IReadOnlyList<Migration> Embedded { get; } = ReadEmbedded(Assembly.GetExecutingAssembly());

    /// <summary>
    /// Applies what the database has not seen yet. Throws <see cref="InvalidDataException"/> for a database that a newer
    /// program has written, and for one that is not a relay's. Each step is a transaction, or all are part of the given one.
    /// </summary>
    public static void Apply(DbConnection connection, IReadOnlyList<Migration> migrations, TimeProvider time, DbTransaction? within = null)
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
            using var transaction = within is null ? connection.BeginTransaction() : null;
            Execute(connection, InDialect(connection, migration.Sql));
            Execute(
                connection,
                "INSERT INTO schema_version (version, applied_at) VALUES (@version, @now)",
                ("@version", migration.Version),
                ("@now", time.GetUtcNow().ToUnixTimeMilliseconds()));
            transaction?.Commit();
        }
    }

    /// <summary>0: nothing applied yet.</summary>
    public static int Version(DbConnection connection) => (int)Number(connection, "SELECT coalesce(max(version), 0) FROM schema_version");

    /// <summary>The names of its tables.</summary>
    public static List<string> Tables(DbConnection connection)
    {
        using var command = connection.CreateCommand();
        command.CommandText = connection is NpgsqlConnection
            ? "SELECT tablename::text FROM pg_tables WHERE schemaname = current_schema()"
            : "SELECT name FROM sqlite_master WHERE type = 'table'";
        using var rows = command.ExecuteReader();
        var tables = new List<string>();
        while (rows.Read())
        {
            tables.Add(rows.GetString(0));
        }

        return tables;
    }

    private static void Start(DbConnection connection)
    {
        var tables = Tables(connection);
        if (tables.Contains("schema_version"))
        {
            return;
        }

        if (tables.Count > 0)
        {
            throw new InvalidDataException("it is the database of some other program");
        }

        Execute(connection, InDialect(connection, "CREATE TABLE schema_version (version INTEGER NOT NULL PRIMARY KEY, applied_at BIGINT NOT NULL)"));
    }

    // The files are written for SQLite. PostgreSQL's types are narrower: its INTEGER has 32 bits, its TEXT no U+0000 (Statement.Stored).
    private static string InDialect(DbConnection connection, string sql) => connection is not NpgsqlConnection
        ? sql
        : TypeName().Replace(sql, match => match.Value == "INTEGER" ? "BIGINT" : "BYTEA");

    [GeneratedRegex(@"\b(INTEGER|TEXT|BLOB)\b")]
    private static partial Regex TypeName();

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

    private static void Execute(DbConnection connection, string sql, params ReadOnlySpan<(string Name, long Value)> values)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;

        // An index on a large table takes its time.
        command.CommandTimeout = 0;
        foreach (var (name, value) in values)
        {
            var parameter = command.CreateParameter();
            (parameter.ParameterName, parameter.Value) = (name, value);
            command.Parameters.Add(parameter);
        }

        command.ExecuteNonQuery();
    }

    private static long Number(DbConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        return (long)command.ExecuteScalar()!;
    }
}
