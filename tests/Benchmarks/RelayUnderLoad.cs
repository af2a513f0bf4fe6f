using System.Collections.Concurrent;
using System.Net.Sockets;
using Grpc.Core;
using Grpc.Net.Client;
using Relay.AdminApi;
using Relay.TestKit;
using Process = System.Diagnostics.Process;
using ProcessStartInfo = System.Diagnostics.ProcessStartInfo;

namespace Relay.Benchmarks;

/// <summary>relayd as a process of its own on a free port, in a temporary folder, and what it says of itself.</summary>
internal sealed class RelayUnderLoad : IAsyncDisposable
{
    /// <summary>The upgrade that a bare socket sends.</summary>
    public const string UpgradeRequest =
        "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        + "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n";

    /// <summary>Stands for <see cref="OtherPort"/> in options.</summary>
    public const string OtherPortMark = "OTHER_PORT";

    // Somebody may take a free port before relayd does.
    private const int Starts = 3;

    private readonly string _folder = Directory.CreateTempSubdirectory("relay-load-").FullName;
    private readonly ConcurrentQueue<string> _errors = [];
    private readonly Process _process;
    private readonly GrpcChannel _channel;
    private readonly AdminService.AdminServiceClient _admin;

    private RelayUnderLoad(IEnumerable<string> options, IReadOnlyDictionary<string, string> environment, IEnumerable<string> wrapper)
    {
        Port = FreePort.Take();
        var socket = Path.Combine(_folder, "admin.sock");
        string[] command = [.. wrapper, .. TestedPrograms.Relayd(Path.Combine(AppContext.BaseDirectory, "relayd.dll"))];
        var start = new ProcessStartInfo(command[0], command[1..])
        {
            WorkingDirectory = _folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            ArgumentList =
            {
                "--Listen:Address=127.0.0.1",
                $"--Listen:Port={Port}",
                $"--Admin:Socket={socket}",
                "--Log:Level=Warning",
            },
        };
        foreach (var option in options)
        {
            start.ArgumentList.Add(option.Replace(OtherPortMark, $"{OtherPort}", StringComparison.Ordinal));
        }

        TestedPrograms.HideVariables(start);
        foreach (var (name, value) in environment)
        {
            start.Environment[name] = value;
        }

        _process = new Process { StartInfo = start };
        _process.ErrorDataReceived += (_, line) => _errors.Enqueue(line.Data ?? "");
        _channel = GrpcChannel.ForAddress("http://localhost", new GrpcChannelOptions
        {
            HttpHandler = new SocketsHttpHandler { ConnectCallback = async (_, cancel) => await DialAsync(socket, cancel) },
            DisposeHttpClient = true,
        });
        _admin = new AdminService.AdminServiceClient(_channel);
    }

    public int Port { get; }

    /// <summary>A port for a second listener.</summary>
    public int OtherPort { get; } = FreePort.Take();

    public int ProcessId => _process.Id;

    /// <summary>Warnings and errors that it logged, and whatever else came on its standard error.</summary>
    public IEnumerable<string> Complaints => _errors.Where(line => line.Length > 0);

    /// <summary>What its threads have worked since its start.</summary>
    public TimeSpan ProcessorTime
    {
        get
        {
            _process.Refresh();
            return _process.TotalProcessorTime;
        }
    }

    public bool HasExited => _process.HasExited;

    public static Task<RelayUnderLoad> StartAsync(params IEnumerable<string> options) => StartAsync(options, new Dictionary<string, string>(), []);

    /// <summary>The same with variables of the environment, and within another program, which runs relayd in its own place.</summary>
    public static async Task<RelayUnderLoad> StartAsync(
        IEnumerable<string> options, IReadOnlyDictionary<string, string> environment, IEnumerable<string> wrapper)
    {
        for (var start = 1; ; start++)
        {
            var relay = new RelayUnderLoad(options, environment, wrapper);
            if (await relay.TryStartAsync())
            {
                return relay;
            }

            var complaints = string.Join('\n', relay.Complaints.Take(5));
            await relay.DisposeAsync();
            if (start == Starts)
            {
                throw new InvalidOperationException($"relayd did not start\n{complaints}");
            }
        }
    }

    public async Task<Stats> StatsAsync() => await _admin.GetStatsAsync(new GetStatsRequest(), deadline: DateTime.UtcNow.AddSeconds(30));

    public async Task<VerifyResponse> VerifyAsync() => await _admin.VerifyAsync(new VerifyRequest(), deadline: DateTime.UtcNow.AddSeconds(30));

    /// <summary>Sends it a signal, such as TERM.</summary>
    public async Task SignalAsync(string name)
    {
        using var kill = Process.Start("kill", ["-s", name, $"{_process.Id}"]);
        await kill.WaitForExitAsync();
    }

    /// <summary>Stops it with SIGTERM, as an init system would; its exit code, or null when it has not ended in time.</summary>
    public async Task<int?> StopAsync(TimeSpan patience)
    {
        await SignalAsync("TERM");
        using var cancel = new CancellationTokenSource(patience);
        try
        {
            await _process.WaitForExitAsync(cancel.Token);
            return _process.ExitCode;
        }
        catch (OperationCanceledException)
        {
            return null;
        }
    }

    public async ValueTask DisposeAsync()
    {
        _channel.Dispose();
        if (!_process.HasExited)
        {
            _process.Kill();
        }

        await _process.WaitForExitAsync();
        _process.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private async Task<bool> TryStartAsync()
    {
        _process.Start();
        _process.BeginErrorReadLine();
        _process.BeginOutputReadLine();
        for (var tries = 0; tries < 600 && !_process.HasExited; tries++)
        {
            try
            {
                if ((await StatsAsync()).State == "ready")
                {
                    return true;
                }
            }
            catch (RpcException)
            {
                // Not yet.
            }

            await Task.Delay(50);
        }

        return false;
    }

    private static async Task<Stream> DialAsync(string path, CancellationToken cancel)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), cancel);
        return new NetworkStream(socket, ownsSocket: true);
    }
}
