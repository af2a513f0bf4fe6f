using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text.RegularExpressions;
using Grpc.Net.Client;
using Relay.TestKit;

namespace Relay.EndToEnd.Support;

/// <summary>relayd as a process of its own, with a temporary folder for its key and its admin socket.</summary>
internal sealed partial class RelayProcess : IAsyncDisposable
{
    private const string Nobody = "setpriv --reuid=65534 --regid=65534 --clear-groups";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly string _folder = Directory.CreateTempSubdirectory("relay-test-").FullName;
    private readonly ConcurrentQueue<string> _lines = [];
    private readonly Process _process;

    private RelayProcess(IEnumerable<string> arguments, IReadOnlyDictionary<string, string> environment, string? shell = null)
    {
        string[] command = [.. TestedPrograms.Relayd(Path.Combine(AppContext.BaseDirectory, "relayd.dll")), .. arguments];
        var start = shell is null
            ? new ProcessStartInfo(command[0], command[1..])
            : new ProcessStartInfo("bash", ["-c", $"{shell}; exec \"$@\"", "relayd", .. command]);
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

    /// <summary>The same in a folder.</summary>
    public static async Task<(int ExitCode, string Output)> RunInAsync(string folder, IEnumerable<string> arguments, params (string Name, string Value)[] environment)
    {
        await using var relay = new RelayProcess(arguments, environment.ToDictionary(pair => pair.Name, pair => pair.Value));
        relay._process.StartInfo.WorkingDirectory = folder;
        relay.Start();
        return (await relay.ExitAsync(), relay.Output);
    }

    public static async Task<bool> CanRunAsNobodyAsync()
    {
        var program = TestedPrograms.Relayd(Path.Combine(AppContext.BaseDirectory, "relayd.dll"))[^1];
        using var test = Process.Start("bash", ["-c", $"[ $(id -u) = 0 ] && {Nobody} test -r \"{program}\" 2>/dev/null"]);
        await test.WaitForExitAsync().WaitAsync(Patience);
        return test.ExitCode == 0;
    }

    /// <summary>The same as a user who owns nothing.</summary>
    public static async Task<(int ExitCode, string Output)> RunAsNobodyAsync(IEnumerable<string> arguments, params (string Name, string Value)[] environment)
    {
        await using var relay = new RelayProcess(
            arguments, environment.ToDictionary(pair => pair.Name, pair => pair.Value), $"set -- {Nobody} \"$@\"");
        relay._process.StartInfo.WorkingDirectory = "/";
        relay.Start();
        return (await relay.ExitAsync(), relay.Output);
    }

    /// <summary>The same with a limit of open files.</summary>
    public static async Task<(int ExitCode, string Output)> RunWithFilesAsync(int files, params string[] arguments)
    {
        await using var relay = new RelayProcess(arguments, new Dictionary<string, string>(), FilesLimit(files));
        relay.Start();
        return (await relay.ExitAsync(), relay.Output);
    }

    /// <summary>Starts relayd on a free port and waits until it listens.</summary>
    public static Task<RelayProcess> StartAsync(params string[] arguments) => StartAsync(shell: null, new Dictionary<string, string>(), arguments);

    /// <summary>Starts it by a command of the shell, with exactly these arguments and a folder of its own, and waits for nothing.</summary>
    public static RelayProcess StartNow(string shell, params string[] arguments)
    {
        var relay = new RelayProcess(["--Data:Folder=data", "--Admin:Socket=admin.sock", .. arguments], new Dictionary<string, string>(), shell);
        relay.Start();
        return relay;
    }

    /// <summary>The same by a program of the test's own, a script that replaces itself with relayd until the test writes another one in its place.</summary>
    public static Task<RelayProcess> StartByScriptAsync(string script, params string[] arguments)
    {
        WriteScript(script, $"exec -a \"$0\" {TestedPrograms.Relayd("relayd.dll")[0]} \"$@\"");
        return StartAsync($"shift; set -- {script} \"$@\"", new Dictionary<string, string>(), arguments);
    }

    /// <summary>Puts a program in its place, as an installation does.</summary>
    public static void WriteScript(string script, string text)
    {
        File.WriteAllText($"{script}.new", $"#!/bin/bash\n{text}\n");
        File.SetUnixFileMode($"{script}.new", UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        File.Move($"{script}.new", script, overwrite: true);
    }

    /// <summary>The same with a limit of open files.</summary>
    public static Task<RelayProcess> StartWithFilesAsync(int files, params string[] arguments) => StartAsync(FilesLimit(files), new Dictionary<string, string>(), arguments);

    /// <summary>The same with variables of the environment.</summary>
    public static Task<RelayProcess> StartWithVariablesAsync(IReadOnlyDictionary<string, string> variables, params string[] arguments) =>
        StartAsync(shell: null, variables, arguments);

    /// <summary>The same as a member of a control group.</summary>
    public static Task<RelayProcess> StartInGroupAsync(MemoryGroup group, params string[] arguments) =>
        StartAsync($"echo $$ > {group.Members}", new Dictionary<string, string>(), arguments);

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

    /// <summary>Waits until this process has ended, though another one that it has started may still print.</summary>
    public Task EndedAsync() => Eventually.TrueAsync(() => _process.HasExited, "the process ends", Patience);

    /// <summary>A gRPC channel to its admin socket.</summary>
    public GrpcChannel OpenChannel() => AdminChannel.Open(SocketPath);

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill(entireProcessTree: true);
        }

        foreach (Match started in Successor().Matches(Output))
        {
            EndSuccessor(int.Parse(started.Groups[1].ValueSpan, System.Globalization.CultureInfo.InvariantCulture));
        }

        await ExitAsync();

        _process.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private static async Task<RelayProcess> StartAsync(string? shell, IReadOnlyDictionary<string, string> variables, string[] arguments)
    {
        var relay = new RelayProcess(
            ["--Listen:Address=127.0.0.1", "--Listen:Port=0", "--Admin:Socket=admin.sock", "--Identity:KeyFile=server.key", $"--Listen:Transport={TestTransport.Kind}", .. arguments],
            variables,
            shell);
        const string FileOption = "--Storage:File=";
        if (TestStorage.IsPostgres && !variables.ContainsKey("RELAY_STORAGE__CONNECTION"))
        {
            var file = arguments.LastOrDefault(argument => argument.StartsWith(FileOption, StringComparison.Ordinal))?[FileOption.Length..];
            relay._process.StartInfo.Environment["RELAY_STORAGE__CONNECTION"] = await TestStorage.ConnectionAsync(file ?? relay._folder);
        }

        relay.Start();
        await Eventually.TrueAsync(() => relay.HasExited || relay.Output.Contains("Started relayd", StringComparison.Ordinal), "relayd is up", Patience);
        Assert.False(relay.HasExited, relay.Output);
        relay.Port = int.Parse(Address().Match(relay.Output).Groups[1].ValueSpan, System.Globalization.CultureInfo.InvariantCulture);
        return relay;
    }

    // Only if it is one of this test's: another process may have the number by now.
    private void EndSuccessor(int id)
    {
        if (new FileInfo($"/proc/{id}/cwd").LinkTarget != _folder)
        {
            return;
        }

        try
        {
            using var successor = Process.GetProcessById(id);
            successor.Kill(entireProcessTree: true);
        }
        catch (ArgumentException)
        {
            // It has ended.
        }
    }

    private static string FilesLimit(int files) => $"ulimit -n {files}";

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

    [GeneratedRegex(@"process (\d+), relayd \S+, has taken over")]
    private static partial Regex Successor();

    [GeneratedRegex(@"https?://127\.0\.0\.1:(\d+)")]
    private static partial Regex Address();
}
