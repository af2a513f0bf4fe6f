using System.Data.Common;
using Microsoft.Data.Sqlite;
using Npgsql;

namespace Relay.Storage;

/// <summary>
/// Copies what a SQLite file holds into a PostgreSQL database, in one transaction: all of it is there afterwards or, after an error, none.
/// </summary>
internal sealed class FileToPostgres(string file, string connection, TimeProvider time)
{
    // What clients have put down, and the policy of the relays there: a database that has none of it is as good as new.
    private static readonly string[] Contents = ["meeting_points", "chunk_cache", "policy_journal"];

    // Of the tables of each version the rows are copied; of this one they tell what has been applied there.
    private const string Versions = "schema_version";

    /// <summary>
    /// The tables and how many rows each had. With <paramref name="replace"/> what the database holds is deleted first. Throws
    /// <see cref="InvalidDataException"/>, with a sentence for the operator, when either cannot be used.
    /// </summary>
    public IReadOnlyList<(string Table, long Rows)> Copy(bool replace)
    {
        using var source = SourceFile.Open(file);
        using var backend = new PostgresBackend(connection, time);
        using var target = (NpgsqlConnection)backend.OpenFor(PostgresBackend.LockSchema);
        try
        {
            using var transaction = target.BeginTransaction();
            Clear(target, replace, transaction);

            // The steps mean the same to both: those that the file has seen give the database the file's own tables, the others come after.
            Migrations.Apply(target, [.. Migrations.Embedded.Where(migration => migration.Version <= source.Version)], time, transaction);
            var copied = source.Tables.Where(table => table != Versions).Select(table => (table, CopyTable(source.Connection, target, table))).ToList();
            Migrations.Apply(target, Migrations.Embedded, time, transaction);
            transaction.Commit();
            return copied;
        }
        catch (SqliteException exception)
        {
            throw new InvalidDataException($"The file '{file}' cannot be read: {exception.Message.TrimEnd('.')}. Nothing was copied", exception);
        }
        catch (Exception exception) when (exception is DbException or InvalidDataException or TimeoutException)
        {
            throw new InvalidDataException($"Nothing was copied to the database {backend.Name}: {backend.Explain(exception)}", exception);
        }
    }

    private static void Clear(NpgsqlConnection target, bool replace, DbTransaction transaction)
    {
        var tables = Migrations.Tables(target);
        if (!tables.Contains(Versions))
        {
            // Apply refuses the database of another program.
            return;
        }

        Migrations.Apply(target, Migrations.Embedded, TimeProvider.System, transaction);
        var rows = Contents.Sum(table => Number(target, $"SELECT count(*) FROM {table}"));
        if (rows > 0 && !replace)
        {
            throw new InvalidDataException($"it holds {rows:#,0} rows already. --replace deletes them first");
        }

        Execute(target, $"DROP TABLE {string.Join(", ", OwnTables())}");
    }

    private static long CopyTable(SqliteConnection source, NpgsqlConnection target, string table)
    {
        using var select = source.CreateCommand();
        select.CommandText = $"SELECT * FROM {table}";
        using var rows = select.ExecuteReader();
        var columns = Enumerable.Range(0, rows.FieldCount).Select(rows.GetName);

        // A migration may have put a row there.
        Execute(target, $"DELETE FROM {table}");
        using (var import = target.BeginBinaryImport($"COPY {table} ({string.Join(", ", columns)}) FROM STDIN (FORMAT BINARY)"))
        {
            import.Timeout = TimeSpan.FromMinutes(10);
            while (rows.Read())
            {
                import.StartRow();
                for (var column = 0; column < rows.FieldCount; column++)
                {
                    if (rows.GetFieldType(column) == typeof(long))
                    {
                        import.Write(rows.GetInt64(column));
                    }
                    else
                    {
                        import.Write(rows.GetFieldValue<byte[]>(column));
                    }
                }
            }

            import.Complete();
        }

        var (read, written) = (Number(source, $"SELECT count(*) FROM {table}"), Number(target, $"SELECT count(*) FROM {table}"));
        return read == written
            ? written
            : throw new InvalidDataException($"of {read:#,0} rows of {table} {written:#,0} arrived");
    }

    private static List<string> OwnTables()
    {
        using var empty = new SqliteConnection("Data Source=:memory:");
        empty.Open();
        Migrations.Apply(empty, Migrations.Embedded, TimeProvider.System);
        return Migrations.Tables(empty);
    }

    private static void Execute(NpgsqlConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.CommandTimeout = 0;
        command.ExecuteNonQuery();
    }

    private static long Number(DbConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.CommandTimeout = 0;
        return (long)command.ExecuteScalar()!;
    }
}
