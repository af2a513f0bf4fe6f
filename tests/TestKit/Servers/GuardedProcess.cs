using System.Diagnostics;
using System.Globalization;

namespace Relay.TestKit;

/// <summary>
/// A server program that ends with the test process, however that ends: a shell between the two sends it a signal when the pipe to the test
/// process closes.
/// </summary>
/// <param name="endSignal">What ends the program.</param>
internal sealed class GuardedProcess(string endSignal, params string[] command) : IAsyncDisposable
{
    private const string Guard = """
        exec 3<&0; signal=$1; shift; "$@" & server=$!; (cat <&3; kill -s $signal $server) >/dev/null 2>&1 & echo $server; wait $server
        """;

    private Process? _process;
    private string _pid = "";

    public static TimeSpan Patience { get; } = TimeSpan.FromSeconds(60);

    /// <summary>Of the program, once it was started.</summary>
    public int ProcessId => int.Parse(_pid, CultureInfo.InvariantCulture);

    /// <summary>Skips the test where there is no such program; fails it in CI, where there must be one.</summary>
    public static void SkipWhereMissing(string? path, string name)
    {
        if (path is null)
        {
            var howTo = $"SKIPPED: there is no {name} to test with; tests/install-servers.sh installs it.";
            Assert.SkipUnless(Environment.GetEnvironmentVariable("CI") == "true", howTo);
            Assert.Fail(howTo);
        }
    }

    /// <summary>Starts it, also again after it has ended. Nothing while it runs.</summary>
    public async Task EnsureStartedAsync()
    {
        if (_process is { HasExited: false })
        {
            return;
        }

        _process?.Dispose();
        _process = Process.Start(new ProcessStartInfo("sh", ["-c", Guard, "sh", endSignal, .. command])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        _process.ErrorDataReceived += (_, _) => { };
        _process.BeginErrorReadLine();
        _pid = await _process.StandardOutput.ReadLineAsync().WaitAsync(Patience) ?? "";
        _ = _process.StandardOutput.BaseStream.CopyToAsync(Stream.Null);
    }

    public async Task SignalAsync(string signal)
    {
        using var kill = Process.Start("kill", ["-s", signal, _pid]);
        await kill.WaitForExitAsync().WaitAsync(Patience);
    }

    /// <summary>SIGKILL, and waits for its end.</summary>
    public async Task KillAsync()
    {
        await SignalAsync("KILL");
        await EndAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (_process is not null)
        {
            await EndAsync();
            _process.Dispose();
        }
    }

    private async Task EndAsync()
    {
        _process!.StandardInput.Close();
        await _process.WaitForExitAsync().WaitAsync(Patience);
    }
}
