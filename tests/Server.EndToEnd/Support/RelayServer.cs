using System.Collections.Concurrent;
using System.Net.Sockets;
using Grpc.Net.Client;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Relay.AdminApi;
using Relay.Admission;
using Relay.Cluster;
using Relay.Configuration;
using Relay.Memory;
using Relay.Policy;

namespace Relay.EndToEnd.Support;

/// <summary>
/// The real server on a port of its own, in this process, with a temporary folder for its key and its admin socket.
/// Disposing it fails the test when the server has logged an error that the test did not expect.
/// </summary>
internal sealed class RelayServer : IAsyncDisposable
{
    private readonly ConcurrentQueue<string> _errors = [];
    private readonly string _folder;
    private readonly GrpcChannel _channel;
    private TestCluster? _cluster;

    private RelayServer(WebApplication app, string folder, ConcurrentQueue<string> errors, RelaySettings settings)
    {
        App = app;
        _folder = folder;
        _errors = errors;
        Settings = settings;
        Http = new Uri(Relay.Hosting.Banner.HttpAddresses(app)[0].Replace("0.0.0.0", "127.0.0.1", StringComparison.Ordinal));
        Ports = [.. Relay.Hosting.Banner.HttpAddresses(app).Select(address => new Uri(address).Port)];
        _channel = GrpcChannel.ForAddress("http://localhost", new GrpcChannelOptions
        {
            HttpHandler = new SocketsHttpHandler { ConnectCallback = async (_, cancel) => await ConnectAdminAsync(cancel) },
        });
        Admin = new AdminService.AdminServiceClient(_channel);
    }

    public WebApplication App { get; }

    public RelaySettings Settings { get; }

    public Uri Http { get; }

    public int Port => Http.Port;

    /// <summary>The ports of all public listeners, in the order of the settings.</summary>
    public IReadOnlyList<int> Ports { get; }

    /// <summary>Where the test's next client connects: with <see cref="TestCluster.IsOn"/> at any of the relays.</summary>
    public int NextPort => _cluster?.NextPort(Port) ?? Port;

    public string AdminSocketPath => Settings.Admin.Socket;

    public AdminService.AdminServiceClient Admin { get; }

    public GrpcChannel Channel => _channel;

    /// <summary>Errors that the test provokes on purpose; the rest fail it.</summary>
    public Func<string, bool> ExpectedError { get; set; } = _ => false;

    public T Get<T>()
        where T : notnull => App.Services.GetRequiredService<T>();

    /// <summary>This relay; with <see cref="TestCluster.IsOn"/> and those beside it.</summary>
    public IEnumerable<RelayServer> All => [this, .. _cluster?.Others ?? []];

    /// <summary>What the relay has of something; with <see cref="TestCluster.IsOn"/> all relays together.</summary>
    public long Sum<T>(Func<T, long> count)
        where T : notnull => All.Sum(relay => count(relay.Get<T>()));

    /// <summary>
    /// Waits until no relay waits for another's answer, which it would do in vain if the test's clock went on meanwhile; and until all have
    /// heard what was sent to them before.
    /// </summary>
    public async Task SettleAsync()
    {
        if (_cluster is not null)
        {
            await Eventually.TrueAsync(() => Sum<Questions>(questions => questions.Count) == 0, "every question is answered");
        }
    }

    public static async Task<RelayServer> StartAsync(
        Action<RelaySettings>? configure = null, TimeProvider? time = null, Action<IServiceCollection>? configureServices = null)
    {
        if (!TestCluster.IsOn)
        {
            return await StartOneAsync(configure, time, configureServices);
        }

        var cluster = await TestCluster.CreateAsync();
        var server = await StartOneAsync(cluster.Settings(configure, "first"), time, configureServices);
        server._cluster = cluster;
        try
        {
            foreach (var node in new[] { "second", "third" })
            {
                var other = await StartOneAsync(cluster.Settings(configure, node), time, configureServices);
                other.ExpectedError = error => server.ExpectedError(error);
                cluster.Others.Add(other);
            }
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }

        return server;
    }

    private static async Task<RelayServer> StartOneAsync(
        Action<RelaySettings>? configure, TimeProvider? time, Action<IServiceCollection>? configureServices)
    {
        var folder = Directory.CreateTempSubdirectory("relay-test-").FullName;
        var settings = new RelaySettings();
        settings.Listen.Address = "127.0.0.1";
        settings.Listen.Port = 0;
        (settings.Listen.Transport, settings.Listen.Loops) = (TestTransport.Kind, TestTransport.Loops);
        settings.Identity.KeyFile = Path.Combine(folder, "server.key");
        settings.Storage.File = Path.Combine(folder, "relay.db");
        settings.Admin.TokenFile = Path.Combine(folder, "tokens.json");
        settings.Audit.File = Path.Combine(folder, "audit.jsonl");
        settings.Federation.PeersFile = Path.Combine(folder, "peers.json");
        settings.Admin.Socket = Path.Combine(folder, "admin.sock");
        settings.Admission.PolicyFile = Path.Combine(folder, "policy.jsonl");

        // Tests come faster than people, and all from a few addresses; those of the rate and of the overload switch them on.
        settings.Admission.ConnectRatePerIp = settings.Admission.ConnectRateTotal = "off";
        settings.Admission.OverloadLevel = "normal";
        settings.Log.Level = LogLevel.Information;
        configure?.Invoke(settings);
        if (settings.Storage.Connection.Length == 0)
        {
            settings.Storage.Connection = await TestStorage.ConnectionAsync(settings.Storage.File);
        }

        var errors = new ConcurrentQueue<string>();
        var app = RelayProgram.Build(settings, services =>
        {
            configureServices?.Invoke(services);
            services.AddLogging(logging => logging.ClearProviders().AddProvider(new ErrorCollector(errors)));
            if (time is not null)
            {
                services.AddSingleton(time);

                // Hours pass in a moment, and the machine's memory would be read every five seconds of them.
                services.AddSingleton(provider => new MemoryCeiling(
                    provider.GetRequiredService<ConnectionLedger>(), provider.GetRequiredService<LimitPolicyStore>(), settings.Admission, MemoryBudget.Unlimited, NullLogger<MemoryCeiling>.Instance, () => default));
            }
        });
        await app.StartAsync(TestContext.Current.CancellationToken);
        return new RelayServer(app, folder, errors, settings);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var other in _cluster?.Others ?? [])
        {
            await other.DisposeAsync();
        }

        await App.StopAsync(CancellationToken.None);
        await App.DisposeAsync();
        _channel.Dispose();
        Directory.Delete(_folder, recursive: true);
        var unexpected = _errors.Where(error => !ExpectedError(error)).ToList();
        Assert.True(unexpected.Count == 0, string.Join('\n', unexpected));
    }

    private async Task<Stream> ConnectAdminAsync(CancellationToken cancellationToken)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await socket.ConnectAsync(new UnixDomainSocketEndPoint(AdminSocketPath), cancellationToken);
        return new NetworkStream(socket, ownsSocket: true);
    }

    private sealed class ErrorCollector(ConcurrentQueue<string> errors) : ILoggerProvider, ILogger
    {
        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Error;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (IsEnabled(logLevel))
            {
                errors.Enqueue($"{formatter(state, exception)} {exception}");
            }
        }

        public void Dispose()
        {
        }
    }
}
