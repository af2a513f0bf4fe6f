using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Time.Testing;
using Relay.Storage;

namespace Server.Tests.Storage;

public sealed class MigrationsTests : IDisposable
{
    private static readonly Migration[] Three =
    [
        new(1, "CREATE TABLE a (x INTEGER); INSERT INTO a VALUES (1)"),
        new(2, "ALTER TABLE a RENAME TO b; INSERT INTO b VALUES (2)"),
        new(3, "CREATE TABLE c AS SELECT x FROM b"),
    ];

    private readonly SqliteConnection _connection = new("Data Source=:memory:");
    private readonly FakeTimeProvider _time = new(DateTimeOffset.FromUnixTimeMilliseconds(1_700_000_000_000));

    public MigrationsTests() => _connection.Open();

    public void Dispose() => _connection.Dispose();

    [Fact]
    public void Embedded_All_AreNumberedFromOne() =>
        Assert.Equal(Enumerable.Range(1, Migrations.Embedded.Count), Migrations.Embedded.Select(migration => migration.Version));

    [Fact]
    public void Apply_NewDatabase_AppliesAllInOrder()
    {
        Migrations.Apply(_connection, Three, _time);

        Assert.Equal("1 2", Ask("SELECT group_concat(x, ' ') FROM c"));
        Assert.Equal("1 2 3", Ask("SELECT group_concat(version, ' ') FROM schema_version"));
        Assert.Equal("1700000000000", Ask("SELECT min(applied_at) FROM schema_version"));
    }

    [Fact]
    public void Apply_OlderDatabase_AppliesTheRestOnce()
    {
        Migrations.Apply(_connection, Three[..2], _time);
        TestDatabase.Do(_connection, "INSERT INTO b VALUES (7)");
        _time.Advance(TimeSpan.FromMilliseconds(5));
        Migrations.Apply(_connection, Three, _time);
        Migrations.Apply(_connection, Three, _time);

        Assert.Equal("1 2 7", Ask("SELECT group_concat(x, ' ') FROM c"));
        Assert.Equal("1700000000000 1700000000000 1700000000005", Ask("SELECT group_concat(applied_at, ' ') FROM schema_version"));
    }

    [Fact]
    public void Apply_StepFails_LeavesNothingOfItAndAllBefore()
    {
        var broken = new Migration(3, "CREATE TABLE c (y INTEGER); INSERT INTO missing VALUES (1)");

        Assert.Throws<SqliteException>(() => Migrations.Apply(_connection, [.. Three[..2], broken], _time));
        Assert.Equal((2, "0"), (Migrations.Version(_connection), Ask("SELECT count(*) FROM sqlite_master WHERE name = 'c'")));
        Migrations.Apply(_connection, Three, _time);
        Assert.Equal(3, Migrations.Version(_connection));
    }

    [Fact]
    public void Apply_NewerDatabase_TouchesNothing()
    {
        Migrations.Apply(_connection, Three, _time);

        Assert.Throws<InvalidDataException>(() => Migrations.Apply(_connection, Three[..2], _time));
        Assert.Equal("3", Ask("SELECT count(*) FROM schema_version"));
    }

    [Fact]
    public void Apply_OtherTables_TouchesNothing()
    {
        TestDatabase.Do(_connection, "CREATE TABLE songs (title TEXT)");

        Assert.Throws<InvalidDataException>(() => Migrations.Apply(_connection, Three, _time));
        Assert.Equal("1", Ask("SELECT count(*) FROM sqlite_master"));
    }

    private string? Ask(string sql) => TestDatabase.Ask(_connection, sql);
}
