using Microsoft.Data.Sqlite;
using Relay.Storage;
using Server.Tests.Support;

namespace Server.Tests.Storage;

/// <summary>A database in a folder of its own, with a table to play with. Every wait has a timeout.</summary>
internal sealed class TestDatabase : IAsyncDisposable
{
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly string _folder = Directory.CreateTempSubdirectory("relay-storage-").FullName;

    private TestDatabase(Action<StorageOptions>? configure, TimeProvider? time)
    {
        Options.File = Path.Combine(_folder, "relay.db");
        configure?.Invoke(Options);
        Database = new Database(Options, time ?? TimeProvider.System, Log);
    }

    public StorageOptions Options { get; } = new();

    public ListLogger<Database> Log { get; } = new();

    public Database Database { get; private set; }

    public static TestDatabase NotStarted(Action<StorageOptions>? configure = null) => new(configure, null);

    public static async Task<TestDatabase> StartAsync(Action<StorageOptions>? configure = null, TimeProvider? time = null)
    {
        var test = new TestDatabase(configure, time);
        await test.Database.StartAsync(CancellationToken.None);
        await test.DoAsync("CREATE TABLE numbers (number INTEGER PRIMARY KEY, text TEXT)");
        return test;
    }

    /// <summary>Closes the database and opens the same file again.</summary>
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

    /// <summary>The file as somebody else sees it.</summary>
    public SqliteConnection OpenBeside()
    {
        var connection = new SqliteConnection($"Data Source={Options.File};Pooling=false");
        connection.Open();
        return connection;
    }

    public static int Insert(SqliteConnection connection, long number)
    {
        Do(connection, $"INSERT INTO numbers (number) VALUES ({number})");
        return (int)number;
    }

    public static int Do(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        return command.ExecuteNonQuery();
    }

    public static string? Ask(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        return Convert.ToString(command.ExecuteScalar(), System.Globalization.CultureInfo.InvariantCulture);
    }

    public async ValueTask DisposeAsync()
    {
        await Database.StopAsync(CancellationToken.None).WaitAsync(Patience);
        Directory.Delete(_folder, recursive: true);
    }

    private static List<long> Numbers(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        using var reader = command.ExecuteReader();
        var numbers = new List<long>();
        while (reader.Read())
        {
            numbers.Add(reader.GetInt64(0));
        }

        return numbers;
    }
}
