using System.Diagnostics;
using System.Text;
using Relay.TestKit;

namespace AdminCli.Tests.Support;

/// <summary>A program that a test runs; killed with its children when the test is done with it or it takes too long.</summary>
internal sealed class ChildProcess : IDisposable
{
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(90);

    private readonly Process _process;
    private readonly Task<string> _error;

    private ChildProcess(ProcessStartInfo start)
    {
        _process = Process.Start(start) ?? throw new InvalidOperationException($"{start.FileName} did not start.");
        _error = _process.StandardError.ReadToEndAsync();
    }

    public static string Relayctl => Path.Combine(TestedPrograms.RelayctlFolder, "relayctl");

    public int Id => _process.Id;

    public StreamWriter Input => _process.StandardInput;

    /// <summary>The environment is the test's own, without what would name a relay, and with <paramref name="environment"/>.</summary>
    public static ChildProcess Start(string program, IEnumerable<string> args, params (string Name, string Value)[] environment)
    {
        var start = new ProcessStartInfo(program, args)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            StandardOutputEncoding = new UTF8Encoding(false),
        };
        foreach (var name in (string[])["RELAY_ADMIN", "XDG_RUNTIME_DIR", "NO_COLOR"])
        {
            start.Environment.Remove(name);
        }

        // `script` runs its line with whatever shell the user has, and shells differ in what Ctrl-C does to them.
        start.Environment["SHELL"] = "/bin/sh";
        start.Environment["PATH"] = $"{TestedPrograms.RelayctlFolder}:{start.Environment["PATH"]}";
        foreach (var (name, value) in environment)
        {
            start.Environment[name] = value;
        }

        return new ChildProcess(start);
    }

    public static async Task<CliResult> RunAsync(string program, IEnumerable<string> args, params (string Name, string Value)[] environment)
    {
        using var process = Start(program, args, environment);
        process.Input.Close();
        return await process.EndAsync();
    }

    public static Task<CliResult> BashAsync(string script, params (string Name, string Value)[] environment) =>
        RunAsync("bash", ["--noprofile", "--norc", "-c", script], environment);

    public async Task<string?> ReadLineAsync() =>
        await _process.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken).AsTask().WaitAsync(Patience);

    /// <summary>Up to and with a text; of a screen that is drawn no line ever ends.</summary>
    public async Task<string> ReadUntilAsync(string text)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        limit.CancelAfter(Patience);
        var (seen, one) = (new StringBuilder(), new char[1]);
        while (!seen.ToString().EndsWith(text, StringComparison.Ordinal))
        {
            var count = await _process.StandardOutput.ReadAsync(one.AsMemory(), limit.Token);
            Assert.True(count == 1, $"'{text}' did not come, only: {seen}");
            seen.Append(one[0]);
        }

        return seen.ToString();
    }

    public async Task TypeAsync(string keys)
    {
        await Input.WriteAsync(keys);
        await Input.FlushAsync(TestContext.Current.CancellationToken);
    }

    /// <summary>The rest of the output and the exit code.</summary>
    public async Task<CliResult> EndAsync()
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        limit.CancelAfter(Patience);
        var output = await _process.StandardOutput.ReadToEndAsync(limit.Token);
        await _process.WaitForExitAsync(limit.Token);
        return new CliResult(_process.ExitCode, output, await _error);
    }

    public async Task SignalAsync(string signal)
    {
        var sent = await RunAsync("/bin/kill", ["-s", signal, $"{Id}"]);
        Assert.Equal(0, sent.ExitCode);
    }

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            _process.Kill(entireProcessTree: true);
        }

        _process.Dispose();
    }
}
