using System.Data.Common;
using System.Globalization;
using System.Text;
using CsCheck;
using Microsoft.Data.Sqlite;
using Relay.Storage;
using Relay.TestKit;

namespace Server.Tests.Storage;

/// <summary>A SQLite file of any version, copied into PostgreSQL: the same rows, the file as it was, and nothing when anything is wrong.</summary>
public sealed class FileToPostgresTests : IDisposable
{
    private static readonly string[] Pieces = ["a", "\0", "😀", "'", "\\", "ß", "\n"];

    private readonly string _folder = Directory.CreateTempSubdirectory("relay-copy-").FullName;

    private string Source => Path.Combine(_folder, "it's relay%20.db");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Copy_RandomRowsOfEachVersion_AreTheSameAsInTheMigratedFile()
    {
        var connection = await (await SharedPostgres.GetAsync()).CreateDatabaseAsync();
        Gen.Select(Gen.Int[1, Migrations.Embedded.Count], Gen.Int[0, int.MaxValue]).Sample(
            (version, seed) =>
            {
                Directory.EnumerateFiles(_folder).ToList().ForEach(File.Delete);
                Fill(version, new Random(seed));
                var before = Files();

                var copied = new FileToPostgres(Source, connection, TimeProvider.System).Copy(replace: true);

                Assert.Equal(before, Files());
                using var target = new Npgsql.NpgsqlConnection($"{connection};Pooling=false");
                target.Open();
                using var migrated = DatabaseFile.Open(Source, TimeProvider.System);
                Assert.Equal(Migrations.Embedded[^1].Version, Migrations.Version(target));
                Assert.Equal(Migrations.Tables(migrated.Connection).Order(), Migrations.Tables(target).Order());
                foreach (var table in Migrations.Tables(target).Where(table => table != "schema_version"))
                {
                    Assert.Equal(Dump(migrated.Connection, table), Dump(target, table));
                }

                Assert.Contains(copied, table => table.Table == "meeting_points");
            },
            iter: 25, threads: 1);
    }

    /// <summary>What a killed relay leaves: all that was committed lies in the write-ahead log only.</summary>
    [Fact]
    public async Task Copy_FileOfAKilledRelay_HasAllThatWasCommitted()
    {
        var connection = await (await SharedPostgres.GetAsync()).CreateDatabaseAsync();
        var running = Path.Combine(_folder, "running", "relay.db");
        using (var file = DatabaseFile.Open(running, TimeProvider.System))
        {
            TestDatabase.Do(file.Connection, "UPDATE meeting_revision SET revision = 77");
            foreach (var end in new[] { "", "-wal" })
            {
                File.Copy(running + end, Source + end);
            }
        }

        new FileToPostgres(Source, connection, TimeProvider.System).Copy(replace: false);
        await using var target = await PostgresServer.OpenAsync(connection);
        Assert.Equal("77", TestDatabase.Ask(target, "SELECT revision FROM meeting_revision"));
    }

    [Fact]
    public async Task Copy_DatabaseHoldsRows_IsRefusedUnlessToldToReplaceThem()
    {
        var connection = await (await SharedPostgres.GetAsync()).CreateDatabaseAsync();
        Fill(2, new Random(1), rows: 5);
        new FileToPostgres(Source, connection, TimeProvider.System).Copy(replace: false);

        var message = AssertRefused(connection);
        Assert.Contains("Nothing was copied to the database 'test", message, StringComparison.Ordinal);
        Assert.EndsWith("it holds 10 rows already. --replace deletes them first", message, StringComparison.Ordinal);
        var tables = new FileToPostgres(Source, connection, TimeProvider.System).Copy(replace: true);
        Assert.Contains(("chunk_cache", 5), tables);
        await using var target = await PostgresServer.OpenAsync(connection);
        Assert.Equal("5", TestDatabase.Ask(target, "SELECT count(*) FROM meeting_points"));
    }

    [Fact]
    public async Task Copy_DatabaseThatARelayHasOnlyStartedOn_IsFilled()
    {
        await using var test = await TestDatabase.StartAsync(engine: Engine.Postgres);
        await test.DoAsync("DROP TABLE numbers");
        Fill(1, new Random(1), rows: 5);

        Assert.Contains(("meeting_points", 5), new FileToPostgres(Source, test.Options.Connection, TimeProvider.System).Copy(replace: false));
        Assert.Equal("5", await test.AskAsync("SELECT count(*) FROM meeting_points"));
    }

    [Fact]
    public async Task Copy_DatabaseOfAnotherProgramOrNewer_IsRefused()
    {
        Fill(3, new Random(1));
        var connection = await (await SharedPostgres.GetAsync()).CreateDatabaseAsync();
        await using var target = await PostgresServer.OpenAsync(connection);
        TestDatabase.Do(target, "CREATE TABLE songs (title TEXT)");
        Assert.Contains("some other program", AssertRefused(connection, replace: true), StringComparison.Ordinal);
        Assert.Equal(["songs"], Migrations.Tables(target));
        TestDatabase.Do(target, "DROP TABLE songs");
        new FileToPostgres(Source, connection, TimeProvider.System).Copy(replace: false);
        TestDatabase.Do(target, "INSERT INTO schema_version VALUES (999, 0)");

        Assert.Contains("schema version 999", AssertRefused(connection, replace: true), StringComparison.Ordinal);
    }

    /// <summary>The last table cannot be written: the first is not there either.</summary>
    [Fact]
    public async Task Copy_FailsInBetween_LeavesNothing()
    {
        var connection = await (await SharedPostgres.GetAsync()).CreateDatabaseAsync();
        Fill(3, new Random(1), rows: 5);
        using (var source = new SqliteConnection($"Data Source={Source};Pooling=false"))
        {
            source.Open();
            TestDatabase.Do(source, "CREATE TABLE of_somebody_else (n INTEGER)");
        }

        Assert.Contains("of_somebody_else", AssertRefused(connection), StringComparison.Ordinal);
        await using var target = await PostgresServer.OpenAsync(connection);
        Assert.Empty(Migrations.Tables(target));
    }

    [Fact]
    public async Task Copy_FileThatIsNone_IsRefusedWithASentence()
    {
        var connection = await (await SharedPostgres.GetAsync()).CreateDatabaseAsync();
        Assert.Equal($"There is no file '{Source}'", AssertRefused(connection));
        File.WriteAllText(Source, "this is no database");
        Assert.Contains("file is not a database", AssertRefused(connection), StringComparison.Ordinal);
        File.Delete(Source);
        Directory.CreateDirectory(Source);
        Assert.Equal($"There is no file '{Source}'", AssertRefused(connection));
        Directory.Delete(Source);
        using (var other = new SqliteConnection($"Data Source={Source};Pooling=false"))
        {
            other.Open();
            TestDatabase.Do(other, "CREATE TABLE songs (title TEXT)");
        }

        Assert.Contains("it is not a relay's", AssertRefused(connection), StringComparison.Ordinal);
        File.Delete(Source);
        using (DatabaseFile.Open(Source, TimeProvider.System))
        {
            Assert.Contains("a relay is using it. Stop that one first", AssertRefused(connection), StringComparison.Ordinal);
        }

        using (var file = DatabaseFile.Open(Source, TimeProvider.System))
        {
            TestDatabase.Do(file.Connection, "INSERT INTO schema_version VALUES (999, 0)");
        }

        Assert.Contains("a newer relayd has written it", AssertRefused(connection), StringComparison.Ordinal);
    }

    [Fact]
    public void Copy_NoServer_IsRefusedWithASentence()
    {
        Fill(3, new Random(1));

        Assert.Contains("the server cannot be reached", AssertRefused("Host=127.0.0.1;Port=1;Database=relay;Username=relay"), StringComparison.Ordinal);
    }

    private string AssertRefused(string connection, bool replace = false) =>
        Assert.Throws<InvalidDataException>(() => new FileToPostgres(Source, connection, TimeProvider.System).Copy(replace)).Message;

    private Dictionary<string, string> Files() =>
        Directory.EnumerateFiles(_folder).ToDictionary(path => path, path => Convert.ToBase64String(File.ReadAllBytes(path)));

    // Rows as a relay of that version would write them, with texts as clients may send them.
    private void Fill(int version, Random random, int? rows = null)
    {
        using (var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = Source, Pooling = false }.ToString()))
        {
            connection.Open();
            TestDatabase.Do(connection, "PRAGMA journal_mode = WAL");
            Migrations.Apply(connection, [.. Migrations.Embedded.Take(version)], TimeProvider.System);
            for (var i = 0; i < (rows ?? random.Next(40)); i++)
            {
                Insert(connection, "meeting_points", random, new() { ["kind"] = (long)random.Next(2), ["written"] = (long)i, ["hash"] = $"{i}{Text(random)}", ["dead_drop"] = $"{Text(random)}{new string('€', random.Next(5000))}" });
                Insert(connection, "chunk_cache", random, new() { ["id"] = (long)i, ["chunk_id"] = $"{(rows is null && version < 3 ? random.Next(10) : i)}", ["channel_id"] = "news", ["data"] = Bytes(random) });
            }

            TestDatabase.Do(connection, "UPDATE meeting_counts SET total = (SELECT count(*) FROM meeting_points p WHERE p.kind = meeting_counts.kind)");
        }

        Assert.False(File.Exists($"{Source}-wal"));
    }

    private static void Insert(SqliteConnection connection, string table, Random random, Dictionary<string, object> values)
    {
        using (var columns = connection.CreateCommand())
        {
            columns.CommandText = $"SELECT name, type FROM pragma_table_info('{table}')";
            using var reader = columns.ExecuteReader();
            while (reader.Read())
            {
                values.TryAdd(reader.GetString(0), reader.GetString(1) == "TEXT" ? Text(random) : random.NextInt64());
            }
        }

        using var command = connection.CreateCommand();
        command.CommandText = $"INSERT INTO {table} ({string.Join(", ", values.Keys)}) VALUES ({string.Join(", ", values.Keys.Select(name => $"@{name}"))})";
        foreach (var (name, value) in values)
        {
            command.Parameters.AddWithValue($"@{name}", value);
        }

        command.ExecuteNonQuery();
    }

    private static string Text(Random random) =>
        string.Concat(Enumerable.Range(0, random.Next(6)).Select(_ => Pieces[random.Next(Pieces.Length)]));

    private static byte[] Bytes(Random random)
    {
        var bytes = new byte[random.Next(3) == 0 ? 0 : random.Next(5000)];
        random.NextBytes(bytes);
        return bytes;
    }

    private static List<string> Dump(DbConnection connection, string table)
    {
        using var command = connection.CreateCommand();
        command.CommandText = $"SELECT * FROM {table}";
        using var reader = command.ExecuteReader();
        var rows = new List<string>();
        while (reader.Read())
        {
            rows.Add(string.Join(' ', Enumerable.Range(0, reader.FieldCount).OrderBy(reader.GetName, StringComparer.Ordinal).Select(column => reader.GetValue(column) switch
            {
                byte[] bytes => Convert.ToHexString(bytes),
                string text => Convert.ToHexString(Encoding.UTF8.GetBytes(text)),
                var number => Convert.ToString(number, CultureInfo.InvariantCulture),
            })));
        }

        return [.. rows.Order(StringComparer.Ordinal)];
    }
}
