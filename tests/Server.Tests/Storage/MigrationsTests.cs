using System.Data.Common;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Time.Testing;
using Npgsql;
using Relay.Storage;
using Relay.TestKit;

namespace Server.Tests.Storage;

public sealed class MigrationsTests
{
    private static readonly Migration[] Three =
    [
        new(1, "CREATE TABLE a (x INTEGER); INSERT INTO a VALUES (1)"),
        new(2, "ALTER TABLE a RENAME TO b; INSERT INTO b VALUES (2)"),
        new(3, "CREATE TABLE c AS SELECT x FROM b"),
    ];

    private readonly FakeTimeProvider _time = new(DateTimeOffset.FromUnixTimeMilliseconds(1_700_000_000_000));

    [Fact]
    public void Embedded_All_AreNumberedFromOne() =>
        Assert.Equal(Enumerable.Range(1, Migrations.Embedded.Count), Migrations.Embedded.Select(migration => migration.Version));

    [Theory]
    [ClassData(typeof(EveryEngine))]
    public async Task Apply_NewDatabase_AppliesAllInOrder(Engine engine)
    {
        await using var connection = await OpenAsync(engine);
        Migrations.Apply(connection, Three, _time);

        Assert.Equal("1 2", List(connection, "SELECT x FROM c ORDER BY x"));
        Assert.Equal("1 2 3", List(connection, "SELECT version FROM schema_version ORDER BY version"));
        Assert.Equal("1700000000000", TestDatabase.Ask(connection, "SELECT min(applied_at) FROM schema_version"));
    }

    [Theory]
    [ClassData(typeof(EveryEngine))]
    public async Task Apply_OlderDatabase_AppliesTheRestOnce(Engine engine)
    {
        await using var connection = await OpenAsync(engine);
        Migrations.Apply(connection, Three[..2], _time);
        TestDatabase.Do(connection, "INSERT INTO b VALUES (7)");
        _time.Advance(TimeSpan.FromMilliseconds(5));
        Migrations.Apply(connection, Three, _time);
        Migrations.Apply(connection, Three, _time);

        Assert.Equal("1 2 7", List(connection, "SELECT x FROM c ORDER BY x"));
        Assert.Equal("1700000000000 1700000000000 1700000000005", List(connection, "SELECT applied_at FROM schema_version ORDER BY applied_at"));
    }

    [Theory]
    [ClassData(typeof(EveryEngine))]
    public async Task Apply_StepFails_LeavesNothingOfItAndAllBefore(Engine engine)
    {
        await using var connection = await OpenAsync(engine);
        var broken = new Migration(3, "CREATE TABLE c (y INTEGER); INSERT INTO missing VALUES (1)");

        Assert.ThrowsAny<DbException>(() => Migrations.Apply(connection, [.. Three[..2], broken], _time));
        Assert.Equal((2, false), (Migrations.Version(connection), Migrations.Tables(connection).Contains("c")));
        Migrations.Apply(connection, Three, _time);
        Assert.Equal(3, Migrations.Version(connection));
    }

    [Theory]
    [ClassData(typeof(EveryEngine))]
    public async Task Apply_NewerDatabase_TouchesNothing(Engine engine)
    {
        await using var connection = await OpenAsync(engine);
        Migrations.Apply(connection, Three, _time);

        Assert.Throws<InvalidDataException>(() => Migrations.Apply(connection, Three[..2], _time));
        Assert.Equal("3", TestDatabase.Ask(connection, "SELECT count(*) FROM schema_version"));
    }

    [Theory]
    [ClassData(typeof(EveryEngine))]
    public async Task Apply_OtherTables_TouchesNothing(Engine engine)
    {
        await using var connection = await OpenAsync(engine);
        TestDatabase.Do(connection, "CREATE TABLE songs (title TEXT)");

        Assert.Throws<InvalidDataException>(() => Migrations.Apply(connection, Three, _time));
        Assert.Equal(["songs"], Migrations.Tables(connection));
    }

    private static async Task<DbConnection> OpenAsync(Engine engine)
    {
        DbConnection connection = engine == Engine.Sqlite
            ? new SqliteConnection("Data Source=:memory:")
            : new NpgsqlConnection($"{await (await SharedPostgres.GetAsync()).CreateDatabaseAsync()};Pooling=false");
        await connection.OpenAsync(TestContext.Current.CancellationToken);
        return connection;
    }

    private static string List(DbConnection connection, string sql) => string.Join(' ', TestDatabase.Numbers(connection, sql));
}
