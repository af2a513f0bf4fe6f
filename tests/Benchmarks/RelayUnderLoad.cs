using System.Collections.Concurrent;
using System.Diagnostics.Tracing;
using System.Net;
using System.Net.Sockets;
using Grpc.Core;
using Grpc.Net.Client;
using Microsoft.Diagnostics.NETCore.Client;
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

    // A keyword of the runtime's own events: who asks for them gets a full collection first.
    private const long CollectHeap = 0x800000;

    private readonly string _folder = Directory.CreateTempSubdirectory("relay-load-").FullName;
    private readonly ConcurrentQueue<string> _errors = [];
    private readonly Process _process;
    private readonly GrpcChannel _channel;
    private readonly AdminService.AdminServiceClient _admin;

    private RelayUnderLoad(IEnumerable<string> options)
    {
        Port = FreePort();
        var socket = Path.Combine(_folder, "admin.sock");
        var command = TestedPrograms.Relayd(Path.Combine(AppContext.BaseDirectory, "relayd.dll"));
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
            start.ArgumentList.Add(option);
        }

        TestedPrograms.HideVariables(start);

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

    public static async Task<RelayUnderLoad> StartAsync(params IEnumerable<string> options)
    {
        var relay = new RelayUnderLoad(options);
        relay._process.Start();
        relay._process.BeginErrorReadLine();
        relay._process.BeginOutputReadLine();
        for (var tries = 0; tries < 300 && !relay._process.HasExited; tries++)
        {
            try
            {
                if ((await relay.StatsAsync()).State == "ready")
                {
                    return relay;
                }
            }
            catch (RpcException)
            {
                // Not yet.
            }

            await Task.Delay(100);
        }

        var complaints = string.Join('\n', relay.Complaints.Take(5));
        await relay.DisposeAsync();
        throw new InvalidOperationException($"relayd did not start\n{complaints}");
    }

    public async Task<Stats> StatsAsync() => await _admin.GetStatsAsync(new GetStatsRequest(), deadline: DateTime.UtcNow.AddSeconds(30));

    public async Task<VerifyResponse> VerifyAsync() => await _admin.VerifyAsync(new VerifyRequest(), deadline: DateTime.UtcNow.AddSeconds(30));

    /// <summary>Has the process collect its whole heap, so that what is left is in use.</summary>
    public async Task CollectAsync()
    {
        using var session = await new DiagnosticsClient(_process.Id).StartEventPipeSessionAsync(
            new EventPipeProvider("Microsoft-Windows-DotNETRuntime", EventLevel.Informational, CollectHeap), requestRundown: false, circularBufferMB: 1, CancellationToken.None);
        var drained = session.EventStream.CopyToAsync(Stream.Null);
        await session.StopAsync(CancellationToken.None);
        await drained;
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

    private static async Task<Stream> DialAsync(string path, CancellationToken cancel)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), cancel);
        return new NetworkStream(socket, ownsSocket: true);
    }

    private static int FreePort()
    {
        using var probe = new TcpListener(IPAddress.Loopback, 0);
        probe.Start();
        return ((IPEndPoint)probe.LocalEndpoint).Port;
    }
}
