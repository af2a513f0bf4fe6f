using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Net.WebSockets;
using System.Text.RegularExpressions;
using Relay.TestKit;

namespace AdminCli.Tests.Support;

/// <summary>A real relayd on a free port, with its admin socket in a folder of its own.</summary>
internal sealed partial class RelayProcess : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(90);

    private readonly TempFolder _folder = new();
    private readonly Process _process;
    private readonly ConcurrentQueue<string> _log = [];

    // One for each line that nobody has waited for yet. Never disposed: lines may come after the test.
    private readonly SemaphoreSlim _printed = new(0);
    private readonly TaskCompletionSource<int> _port = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly List<IDisposable> _clients = [];

    private RelayProcess(string[] options)
    {
        var command = TestedPrograms.Relayd(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "relayd.path")).Trim());
        var start = new ProcessStartInfo(command[0], command[1..])
        {
            ArgumentList =
            {
                "--Listen:Address=127.0.0.1",
                "--Listen:Port=0",
                $"--Admin:Socket={Socket}",
                $"--Identity:KeyFile={_folder["server.key"]}",
            },
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = _folder.FullName,
        };
        foreach (var option in options)
        {
            start.ArgumentList.Add(option);
        }

        TestedPrograms.HideVariables(start);

        _process = new Process { StartInfo = start, EnableRaisingEvents = true };
        _process.OutputDataReceived += (_, line) => Read(line.Data);
        _process.ErrorDataReceived += (_, line) => Read(line.Data);
        _process.Exited += (_, _) => _port.TrySetException(new InvalidOperationException($"relayd ended:\n{Log}"));
        _process.Start();
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    public string Socket => _folder["admin.sock"];

    public int Port { get; private set; }

    /// <summary>All that relayd printed so far.</summary>
    public string Log => string.Join('\n', _log);

    public Cli Cli => new() { Environment = { ["RELAY_ADMIN"] = Socket }, Timeout = "1m" };

    /// <summary>Where it listens for operators over the network, if it was told to.</summary>
    public string AdminAddress => NetworkAddress().Match(Log).Groups[1].Value;

    public static async Task<RelayProcess> StartAsync(params string[] options)
    {
        var relay = new RelayProcess(options);
        try
        {
            relay.Port = await relay._port.Task.WaitAsync(Patience, TestContext.Current.CancellationToken);
            return relay;
        }
        catch (Exception e)
        {
            var log = relay.Log;
            await relay.DisposeAsync();
            throw new InvalidOperationException($"relayd did not become ready:\n{log}", e);
        }
    }

    /// <summary>
    /// Opens a client socket from the given loopback address; false where it was not even upgraded. A relay that refuses
    /// politely upgrades and then closes, so whether a socket was admitted is for the figures to say.
    /// </summary>
    public async Task<bool> ConnectAsync(string from = "127.0.0.1") => await UpgradeAsync(from) is { State: WebSocketState.Open };

    /// <summary>The same through a proxy on this machine, for a client at any address.</summary>
    public async Task<bool> ConnectForwardedAsync(string client) => await UpgradeAsync("127.0.0.1", client) is { State: WebSocketState.Open };

    /// <summary>Opens a client socket that must be upgraded.</summary>
    public async Task<RelayClient> OpenAsync(string from = "127.0.0.1") => new(await UpgradeAsync(from) ?? throw new InvalidOperationException(Log));

    /// <summary>The same, and waits for the greeting: from then on the session has its number.</summary>
    public async Task<RelayClient> EnterAsync(string from)
    {
        var client = await OpenAsync(from);
        await client.ReadAsync("server_identity");
        return client;
    }

    /// <summary>Waits until relayd has printed this; one waiter at a time.</summary>
    public async Task PrintedAsync(string text)
    {
        while (!Log.Contains(text, StringComparison.Ordinal))
        {
            Assert.True(await _printed.WaitAsync(Patience, TestContext.Current.CancellationToken), $"'{text}' did not come, only:\n{Log}");
        }
    }

    /// <summary>Ends relayd as a crash would: its socket file stays.</summary>
    public async Task KillAsync()
    {
        _process.Kill(entireProcessTree: true);
        await _process.WaitForExitAsync(TestContext.Current.CancellationToken).WaitAsync(Patience, TestContext.Current.CancellationToken);
    }

    /// <summary>Asks relayd to stop, as systemd would.</summary>
    public async Task TerminateAsync()
    {
        var sent = await ChildProcess.RunAsync("/bin/kill", ["-s", "TERM", $"{_process.Id}"]);
        Assert.Equal(0, sent.ExitCode);
    }

    public async ValueTask DisposeAsync()
    {
        _clients.ForEach(client => client.Dispose());
        if (!_process.HasExited)
        {
            _process.Kill(entireProcessTree: true);
            await _process.WaitForExitAsync(CancellationToken.None).WaitAsync(Patience, CancellationToken.None);
        }

        _process.Dispose();
        _folder.Dispose();
        // Whatever the test looked at: nothing that relayctl asks for may be an error of relayd.
        var log = _log.ToArray();
        var error = Array.FindIndex(log, line => ErrorLine().IsMatch(line));
        Assert.True(error < 0, string.Join('\n', log.Skip(error).Take(12)));
    }

    private void Read(string? line)
    {
        if (line is null)
        {
            return;
        }

        _log.Enqueue(line);
        _printed.Release();
        if (line.Contains("Started relayd", StringComparison.Ordinal) && ListeningAddress().Match(line) is { Success: true } match)
        {
            _port.TrySetResult(int.Parse(match.Groups[1].ValueSpan, CultureInfo.InvariantCulture));
        }
    }

    private async Task<ClientWebSocket?> UpgradeAsync(string from, string? forwardedFor = null)
    {
        var handler = new SocketsHttpHandler { UseProxy = false, ConnectCallback = (context, token) => DialAsync(from, context.DnsEndPoint.Port, token) };
        var invoker = new HttpMessageInvoker(handler);
        var client = new ClientWebSocket();
        client.Options.SetRequestHeader("X-Forwarded-For", forwardedFor);
        _clients.Add(client);
        _clients.Add(invoker);
        try
        {
            await client.ConnectAsync(new Uri($"ws://127.0.0.1:{Port}/"), invoker, TestContext.Current.CancellationToken).WaitAsync(Patience, TestContext.Current.CancellationToken);
        }
        catch (WebSocketException)
        {
            return null;
        }

        return client;
    }

    private static async ValueTask<Stream> DialAsync(string from, int port, CancellationToken cancel)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            socket.Bind(new IPEndPoint(IPAddress.Parse(from), 0));
            await socket.ConnectAsync(IPAddress.Loopback, port, cancel);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    [GeneratedRegex(@"^\S+Z (fail|error|crit|critical): |Unhandled exception")]
    private static partial Regex ErrorLine();

    [GeneratedRegex(@" and (https?://\S+:\d+)")]
    private static partial Regex NetworkAddress();

    [GeneratedRegex(@"https?://127\.0\.0\.1:(\d+)")]
    private static partial Regex ListeningAddress();
}
