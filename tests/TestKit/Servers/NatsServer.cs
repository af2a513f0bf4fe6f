using System.Net;
using System.Net.Sockets;

namespace Relay.TestKit;

/// <summary>A NATS server of the tests' own, on a loopback port. It ends with the test process, however that ends.</summary>
internal sealed class NatsServer : IAsyncDisposable
{
    private static readonly string? Program = Find();

    private readonly string _folder = Directory.CreateTempSubdirectory("relay-nats-").FullName;
    private readonly int _port;
    private readonly GuardedProcess _process;

    private NatsServer(int port)
    {
        _port = port;
        _process = new GuardedProcess("KILL", Program!, "-c", Configuration, "-a", "127.0.0.1", "-p", $"{port}");
    }

    /// <summary>For Cluster:Nats.</summary>
    public string Url => $"nats://127.0.0.1:{_port}";

    public int Port => _port;

    public int ProcessId => _process.ProcessId;

    /// <summary>Skips the test where there is no server; fails it in CI, where there must be one.</summary>
    public static void SkipWhereMissing() => GuardedProcess.SkipWhereMissing(Program, "nats-server");

    /// <param name="configuration">In the server's own syntax, beside address and port.</param>
    public static async Task<NatsServer> StartAsync(string configuration = "")
    {
        SkipWhereMissing();
        var server = new NatsServer(FreePort.Take());
        await File.WriteAllTextAsync(server.Configuration, configuration);
        await server.RestartAsync();
        return server;
    }

    /// <summary>Two servers of one cluster, which tell clients only of themselves.</summary>
    public static async Task<NatsServer[]> StartPairAsync()
    {
        var (one, other) = (FreePort.Take(), FreePort.Take());
        return await Task.WhenAll(StartAsync(Routes(one, other)), StartAsync(Routes(other, one)));

        static string Routes(int own, int other) => $"cluster {{ name: relay, listen: \"127.0.0.1:{own}\", no_advertise: true, routes: [ \"nats://127.0.0.1:{other}\" ] }}";
    }

    /// <summary>Sends the server a signal.</summary>
    public Task SignalAsync(string signal) => _process.SignalAsync(signal);

    /// <summary>SIGKILL, and waits for its end.</summary>
    public Task KillAsync() => _process.KillAsync();

    /// <summary>Starts the server, also again after it was killed, on the same port, and waits until it answers.</summary>
    public async Task RestartAsync()
    {
        using var patience = new CancellationTokenSource(GuardedProcess.Patience);
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
        while (true)
        {
            await _process.EnsureStartedAsync();
            try
            {
                using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
                await socket.ConnectAsync(IPAddress.Loopback, _port, patience.Token);
                return;
            }
            catch (SocketException)
            {
                await timer.WaitForNextTickAsync(patience.Token);
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _process.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    private string Configuration => Path.Combine(_folder, "nats.conf");

    private static string? Find() => (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator).Append("/usr/sbin")
        .Select(folder => Path.Combine(folder, "nats-server"))
        .FirstOrDefault(File.Exists);
}
