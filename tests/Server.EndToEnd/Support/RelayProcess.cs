using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text.RegularExpressions;
using Grpc.Net.Client;
using Relay.TestKit;

namespace Relay.EndToEnd.Support;

/// <summary>relayd as a process of its own, with a temporary folder for its key and its admin socket.</summary>
internal sealed partial class RelayProcess : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly string _folder = Directory.CreateTempSubdirectory("relay-test-").FullName;
    private readonly ConcurrentQueue<string> _lines = [];
    private readonly Process _process;

    private RelayProcess(IEnumerable<string> arguments, IReadOnlyDictionary<string, string> environment, int? files = null)
    {
        string[] command = [.. TestedPrograms.Relayd(Path.Combine(AppContext.BaseDirectory, "relayd.dll")), .. arguments];
        var start = files is null
            ? new ProcessStartInfo(command[0], command[1..])
            : new ProcessStartInfo("bash", ["-c", $"ulimit -n {files}; exec \"$@\"", "relayd", .. command]);
        start.RedirectStandardOutput = start.RedirectStandardError = true;
        start.WorkingDirectory = _folder;
        TestedPrograms.HideVariables(start);
        foreach (var (name, value) in environment)
        {
            start.Environment[name] = value;
        }

        _process = new Process { StartInfo = start };
    }

    public string SocketPath => Path.Combine(_folder, "admin.sock");

    public int Port { get; private set; }

    public int ProcessId => _process.Id;

    public bool HasExited => _process.HasExited;

    /// <summary>All that was printed, on both streams.</summary>
    public string Output => string.Join('\n', _lines);

    /// <summary>Runs relayd with exactly these arguments to its end.</summary>
    public static async Task<(int ExitCode, string Output)> RunAsync(IEnumerable<string> arguments, params (string Name, string Value)[] environment)
    {
        await using var relay = new RelayProcess(arguments, environment.ToDictionary(pair => pair.Name, pair => pair.Value));
        relay.Start();
        return (await relay.ExitAsync(), relay.Output);
    }

    /// <summary>The same with a limit of open files.</summary>
    public static async Task<(int ExitCode, string Output)> RunWithFilesAsync(int files, params string[] arguments)
    {
        await using var relay = new RelayProcess(arguments, new Dictionary<string, string>(), files);
        relay.Start();
        return (await relay.ExitAsync(), relay.Output);
    }

    /// <summary>Starts relayd on a free port and waits until it listens.</summary>
    public static Task<RelayProcess> StartAsync(params string[] arguments) => StartAsync(files: null, new Dictionary<string, string>(), arguments);

    /// <summary>The same with a limit of open files.</summary>
    public static Task<RelayProcess> StartWithFilesAsync(int files, params string[] arguments) => StartAsync(files, new Dictionary<string, string>(), arguments);

    /// <summary>The same with variables of the environment.</summary>
    public static Task<RelayProcess> StartWithVariablesAsync(IReadOnlyDictionary<string, string> variables, params string[] arguments) =>
        StartAsync(files: null, variables, arguments);

    /// <summary>Time on all cores since the start.</summary>
    public TimeSpan CpuTime => _process.TotalProcessorTime;

    public Task SignalAsync(string name) => ExecuteAsync("kill", "-s", name, $"{_process.Id}");

    /// <summary>From now on no descriptor may be this or higher; those that are stay open.</summary>
    public Task LimitFilesAsync(long limit) => ExecuteAsync("prlimit", "--pid", $"{_process.Id}", $"--nofile={limit}:");

    /// <summary>SIGKILL, at once.</summary>
    public Task<int> KillAsync()
    {
        _process.Kill();
        return ExitAsync();
    }

    public async Task<int> ExitAsync()
    {
        await _process.WaitForExitAsync().WaitAsync(Patience);
        return _process.ExitCode;
    }

    /// <summary>A gRPC channel to its admin socket.</summary>
    public GrpcChannel OpenChannel() => AdminChannel.Open(SocketPath);

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill(entireProcessTree: true);
            await ExitAsync();
        }

        _process.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private static async Task<RelayProcess> StartAsync(int? files, IReadOnlyDictionary<string, string> variables, string[] arguments)
    {
        var relay = new RelayProcess(
            ["--Listen:Address=127.0.0.1", "--Listen:Port=0", "--Admin:Socket=admin.sock", "--Identity:KeyFile=server.key", $"--Listen:Transport={TestTransport.Kind}", .. arguments],
            variables,
            files);
        relay.Start();
        await Eventually.TrueAsync(() => relay.HasExited || relay.Output.Contains("Ctrl-C", StringComparison.Ordinal), "relayd is up", Patience);
        Assert.False(relay.HasExited, relay.Output);
        relay.Port = int.Parse(Address().Match(relay.Output).Groups[1].ValueSpan, System.Globalization.CultureInfo.InvariantCulture);
        return relay;
    }

    private static async Task ExecuteAsync(string command, params string[] arguments)
    {
        using var process = Process.Start(command, arguments);
        await process.WaitForExitAsync().WaitAsync(Patience);
        Assert.Equal((command, 0), (command, process.ExitCode));
    }

    private void Start()
    {
        _process.OutputDataReceived += (_, line) => Read(line.Data);
        _process.ErrorDataReceived += (_, line) => Read(line.Data);
        _process.Start();
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    private void Read(string? line)
    {
        if (line is not null)
        {
            _lines.Enqueue(line);
        }
    }

    [GeneratedRegex(@"ws://127\.0\.0\.1:(\d+)")]
    private static partial Regex Address();
}
