using System.Collections.Concurrent;
using System.Net.Sockets;
using Grpc.Net.Client;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Relay.AdminApi;
using Relay.Admission;
using Relay.Configuration;
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

    public string AdminSocketPath => Settings.Admin.Socket;

    public AdminService.AdminServiceClient Admin { get; }

    public GrpcChannel Channel => _channel;

    /// <summary>Errors that the test provokes on purpose; the rest fail it.</summary>
    public Func<string, bool> ExpectedError { get; set; } = _ => false;

    public T Get<T>()
        where T : notnull => App.Services.GetRequiredService<T>();

    public static async Task<RelayServer> StartAsync(
        Action<RelaySettings>? configure = null, TimeProvider? time = null, Action<IServiceCollection>? configureServices = null)
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
        settings.Admin.Socket = Path.Combine(folder, "admin.sock");
        settings.Admission.PolicyFile = Path.Combine(folder, "policy.jsonl");

        // Tests come faster than people, and all from a few addresses; those of the rate and of the overload switch them on.
        settings.Admission.ConnectRatePerIp = settings.Admission.ConnectRateTotal = "off";
        settings.Admission.OverloadLevel = "normal";
        settings.Log.Level = LogLevel.Information;
        configure?.Invoke(settings);
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
                    provider.GetRequiredService<ConnectionLedger>(), provider.GetRequiredService<LimitPolicyStore>(), settings.Admission, NullLogger<MemoryCeiling>.Instance, () => default));
            }
        });
        await app.StartAsync(TestContext.Current.CancellationToken);
        return new RelayServer(app, folder, errors, settings);
    }

    public async ValueTask DisposeAsync()
    {
        await App.StopAsync(CancellationToken.None);
        await App.DisposeAsync();
        _channel.Dispose();
        Directory.Delete(_folder, recursive: true);
        Assert.DoesNotContain(_errors, error => !ExpectedError(error));
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
