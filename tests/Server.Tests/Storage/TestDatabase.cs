using System.Data.Common;
using System.Globalization;
using Microsoft.Data.Sqlite;
using Npgsql;
using Relay.Storage;
using Relay.TestKit;
using Server.Tests.Support;

namespace Server.Tests.Storage;

/// <summary>The database systems that the relay can use.</summary>
public enum Engine
{
    Sqlite,
    Postgres,
}

/// <summary>For tests that all of them must pass.</summary>
public sealed class EveryEngine() : TheoryData<Engine>(Engine.Sqlite, Engine.Postgres);

/// <summary>A database of its own, with a table to play with. Every wait has a timeout.</summary>
internal sealed class TestDatabase : IAsyncDisposable
{
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly string _folder = Directory.CreateTempSubdirectory("relay-storage-").FullName;
    private readonly TimeProvider _time;

    private TestDatabase(string connection, Action<StorageOptions>? configure, TimeProvider? time)
    {
        Options.File = Path.Combine(_folder, "relay.db");
        Options.Connection = connection;
        configure?.Invoke(Options);
        _time = time ?? TimeProvider.System;
        Database = new Database(Options, _time, Log);
    }

    public StorageOptions Options { get; } = new();

    public ListLogger<Database> Log { get; } = new();

    public Database Database { get; private set; }

    public static TestDatabase NotStarted(Action<StorageOptions>? configure = null) => new("", configure, null);

    public static async Task<TestDatabase> StartAsync(
        Action<StorageOptions>? configure = null, TimeProvider? time = null, Engine engine = Engine.Sqlite) =>
        await StartAsync(engine == Engine.Sqlite ? "" : await (await SharedPostgres.GetAsync()).CreateDatabaseAsync(), configure, time);

    /// <summary>On a PostgreSQL database that there is.</summary>
    public static async Task<TestDatabase> StartAsync(string connection, Action<StorageOptions>? configure = null, TimeProvider? time = null)
    {
        var test = new TestDatabase(connection, configure, time);
        await test.Database.StartAsync(CancellationToken.None);
        await test.DoAsync("CREATE TABLE IF NOT EXISTS numbers (number INTEGER PRIMARY KEY, text TEXT)");
        return test;
    }

    /// <summary>What another relay has that uses the same database.</summary>
    public Task<TestDatabase> JoinAsync() => StartAsync(Options.Connection, time: _time);

    /// <summary>Closes the database and opens the same one again.</summary>
    public async Task RestartAsync()
    {
        await Database.StopAsync(CancellationToken.None);
        Database = new Database(Options, TimeProvider.System, Log);
        await Database.StartAsync(CancellationToken.None);
    }

    public Task DoAsync(string sql) => Database.RunAsync(connection => Do(connection, sql)).WaitAsync(Patience);

    public Task<List<long>> NumbersAsync() =>
        Database.RunAsync(connection => Numbers(connection, "SELECT number FROM numbers ORDER BY number")).WaitAsync(Patience);

    public Task<string?> AskAsync(string sql) => Database.RunAsync(connection => Ask(connection, sql)).WaitAsync(Patience);

    /// <summary>Keeps the database thread busy until the event is set.</summary>
    public async Task<ManualResetEventSlim> BlockAsync()
    {
        var entered = new TaskCompletionSource();
        var leave = new ManualResetEventSlim();
        _ = Database.RunAsync(_ =>
        {
            entered.SetResult();
            return leave.Wait(Patience);
        });
        await entered.Task.WaitAsync(Patience);
        return leave;
    }

    /// <summary>The database as somebody else sees it.</summary>
    public DbConnection OpenBeside()
    {
        DbConnection connection = Options.Connection.Length > 0
            ? new NpgsqlConnection($"{Options.Connection};Pooling=false")
            : new SqliteConnection($"Data Source={Options.File};Pooling=false");
        connection.Open();
        return connection;
    }

    public static int Insert(DbConnection connection, long number)
    {
        Do(connection, $"INSERT INTO numbers (number) VALUES ({number})");
        return (int)number;
    }

    public static int Do(DbConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        return command.ExecuteNonQuery();
    }

    public static string? Ask(DbConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        return Convert.ToString(command.ExecuteScalar(), CultureInfo.InvariantCulture);
    }

    public static List<long> Numbers(DbConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        using var reader = command.ExecuteReader();
        var numbers = new List<long>();
        while (reader.Read())
        {
            numbers.Add(Convert.ToInt64(reader.GetValue(0), CultureInfo.InvariantCulture));
        }

        return numbers;
    }

    public async ValueTask DisposeAsync()
    {
        await Database.StopAsync(CancellationToken.None).WaitAsync(Patience);
        Directory.Delete(_folder, recursive: true);
    }
}
