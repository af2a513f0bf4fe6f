using System.Globalization;
using Relay.Configuration;
using Relay.TestKit;

[assembly: AssemblyFixture(typeof(Relay.EndToEnd.Support.SharedNats))]

namespace Relay.EndToEnd.Support;

/// <summary>
/// With the variable RELAY_TEST_CLUSTER=1 every relay of the tests is three that serve as one, and each client of a test connects to one of them
/// by chance: what holds at one relay holds at several. The tests that can be run so have the trait Clients=Spread.
/// RELAY_TEST_SEED repeats a run.
/// </summary>
internal sealed class TestCluster
{
    public static readonly int Seed = int.TryParse(Environment.GetEnvironmentVariable(TestedPrograms.SeedVariable), CultureInfo.InvariantCulture, out var seed) ? seed : Random.Shared.Next();

    private readonly Random _random = new(Seed);
    private readonly Lock _lock = new();
    private readonly string _name = $"test-{Guid.NewGuid():n}";
    private readonly string _nats;
    private readonly string _storage;
    private string? _keyFile;

    private TestCluster(string nats, string storage) => (_nats, _storage) = (nats, storage);

    public static bool IsOn { get; } = Environment.GetEnvironmentVariable(TestedPrograms.ClusterVariable) == "1";

    /// <summary>The relays beside the one that the test has started.</summary>
    public List<RelayServer> Others { get; } = [];

    /// <summary>For tests of what one relay does, beside others that can be spread.</summary>
    public static void SkipWhereSpread(string why) => Assert.SkipWhen(IsOn, $"of one relay: {why}");

    public static async Task<TestCluster> CreateAsync()
    {
        TestContext.Current.TestOutputHelper?.WriteLine($"clients are spread over three relays: {TestedPrograms.SeedVariable}={Seed}");
        return new TestCluster((await SharedNats.GetAsync()).Url, await (await SharedPostgres.GetAsync()).CreateDatabaseAsync());
    }

    public Action<RelaySettings> Settings(Action<RelaySettings>? configure, string node) => settings =>
    {
        (settings.Cluster.Nats, settings.Cluster.Name, settings.Cluster.Node) = ([_nats], _name, node);
        settings.Storage.Connection = _storage;
        settings.Identity.KeyFile = _keyFile ??= settings.Identity.KeyFile;
        configure?.Invoke(settings);
    };

    public int NextPort(int first)
    {
        lock (_lock)
        {
            var next = _random.Next(Others.Count + 1);
            return next == 0 ? first : Others[next - 1].Port;
        }
    }
}

/// <summary>The NATS server of this assembly's clusters, started by the first test that wants it. Tests that harm a server start their own.</summary>
public sealed class SharedNats : IAsyncDisposable
{
    private static readonly Lazy<Task<NatsServer>> Server = new(() => NatsServer.StartAsync());

    internal static Task<NatsServer> GetAsync()
    {
        NatsServer.SkipWhereMissing();
        return Server.Value;
    }

    public async ValueTask DisposeAsync()
    {
        if (Server.IsValueCreated)
        {
            await (await Server.Value).DisposeAsync();
        }
    }
}
