using Relay.Events;
using Relay.Policy;
using Relay.Storage;
using Relay.TestKit;
using Server.Tests.Support;

namespace Server.Tests.Policy;

/// <summary>What a relay has that shares its policy: a connection to the database, the store and its copy in a file.</summary>
internal sealed class PolicyRelay : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly string _connection;
    private readonly string _folder = Directory.CreateTempSubdirectory("relay-journal-").FullName;
    private Database _database;

    private PolicyRelay(string connection, string node, TimeProvider time, AdmissionOptions? options)
    {
        (_connection, Node, Time) = (connection, node, time);
        Options = options ?? new AdmissionOptions { Total = 100, PerIp = 50 };
        (Events, _database) = (new RelayEvents(time), null!);
        Store = null!;
    }

    public string Node { get; }

    public TimeProvider Time { get; }

    public AdmissionOptions Options { get; set; }

    public LimitPolicyStore Store { get; private set; }

    public RelayEvents Events { get; private set; }

    public ListLogger<LimitPolicyStore> Log { get; } = new();

    public string File => Path.Combine(_folder, "policy.jsonl");

    /// <summary>Files that were kept under another name.</summary>
    public IReadOnlyList<string> Aside => [.. Directory.GetFiles(_folder, "policy.jsonl.2*").Select(file => System.IO.File.ReadAllText(file))];

    public bool IsAway => _database.IsAway;

    /// <summary>What was published, "who: text".</summary>
    public IReadOnlyList<string> Told => [.. Events.Last(int.MaxValue).Select(published => $"{published.Event.Who}: {published.Event.Text}")];

    public static async Task<string> CreateDatabaseAsync() => await (await SharedPostgres.GetAsync()).CreateDatabaseAsync();

    /// <summary>One that is not started yet, and may find a file that another store has left.</summary>
    public static PolicyRelay Create(string connection, string node = "a", TimeProvider? time = null, AdmissionOptions? options = null) =>
        new(connection, node, time ?? TimeProvider.System, options);

    public static async Task<PolicyRelay> StartAsync(string connection, string node, TimeProvider? time = null, AdmissionOptions? options = null)
    {
        var relay = Create(connection, node, time, options);
        Assert.Null((await relay.StartAsync()).Problem);
        return relay;
    }

    /// <summary>Starts it, also again.</summary>
    public async Task<Followed> StartAsync()
    {
        await StopAsync();
        _database = new Database(new StorageOptions { Connection = _connection }, TimeProvider.System, new ListLogger<Database>(), mayStartAway: System.IO.File.Exists(File));
        await _database.StartAsync(CancellationToken.None).WaitAsync(Patience);
        Events = new RelayEvents(Time);
        Store = new LimitPolicyStore(Options, Time, new PolicyJournal(File), Events, Log, new SharedJournal(_database), Node);
        return await CatchUpAsync();
    }

    public async Task StopAsync()
    {
        Store?.Dispose();
        if (_database is not null)
        {
            await _database.StopAsync(CancellationToken.None).WaitAsync(Patience);
        }
    }

    public Task<Followed> CatchUpAsync() => Store.CatchUpAsync().WaitAsync(Patience);

    public Task<PolicyResult> ChangeAsync(PolicyChange change) => Store.ChangeAsync(change).WaitAsync(Patience);

    public async Task<PolicyResult> ChangeAsync(params (string Path, string? Text)[] edits)
    {
        var result = await ChangeAsync(JournalFolder.Of(edits) with { Evict = Eviction.None });
        Assert.Equal((null, 0), (result.NotWritten, result.Errors.Count));
        return result;
    }

    /// <summary>Changes that this process makes alone with its file, before it knows of the database.</summary>
    public void ChangeAlone(params (string Path, string? Text)[] edits)
    {
        using var store = new LimitPolicyStore(Options, Time, new PolicyJournal(File));
        Assert.Equal(edits.Length, store.Change(JournalFolder.Of(edits)).Differences.Count);
    }

    /// <summary>Catches up until something is so.</summary>
    public async Task UntilAsync(Func<bool> condition)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(10));
        using var patience = new CancellationTokenSource(Patience);
        while (!condition())
        {
            await CatchUpAsync();
            await timer.WaitForNextTickAsync(patience.Token);
        }
    }

    /// <summary>The rows of the journal: position, revision, node, line.</summary>
    public static async Task<List<(long Position, long Revision, string Node, string Line)>> RowsAsync(string connection)
    {
        await using var beside = await PostgresServer.OpenAsync(connection);
        await using var command = beside.CreateCommand();
        command.CommandText = "SELECT position, revision, convert_from(node, 'UTF8'), convert_from(line, 'UTF8') FROM policy_journal ORDER BY position";
        await using var row = await command.ExecuteReaderAsync();
        var rows = new List<(long, long, string, string)>();
        while (await row.ReadAsync())
        {
            rows.Add((row.GetInt64(0), row.GetInt64(1), row.GetString(2), row.GetString(3)));
        }

        return rows;
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        Directory.Delete(_folder, recursive: true);
    }
}
