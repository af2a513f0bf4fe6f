using System.CommandLine;
using System.Globalization;
using Relay.AdminCli;

namespace AdminCli.Tests.Support;

/// <summary>What a run of relayctl left behind.</summary>
internal sealed record CliResult(int ExitCode, string Output, string Error)
{
    public string[] OutputLines => Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);

    public string[] ErrorLines => Error.Split('\n', StringSplitOptions.RemoveEmptyEntries);
}

/// <summary>relayctl inside the test's process, with an environment and a terminal of the test's making.</summary>
internal sealed class Cli
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(90);

    public Dictionary<string, string> Environment { get; } = [];

    public Terminal Terminal { get; init; } = Terminal.None;

    public TimeProvider Clock { get; init; } = TimeProvider.System;

    public TextWriter? Writer { get; init; }

    /// <summary>What a person types; null: there is none.</summary>
    public TextReader? Input { get; init; }

    /// <summary>For a relay that is there and may only be slow: more than relayctl's own five seconds, which a busy machine can take.</summary>
    public string? Timeout { get; init; }

    public static Cli For(string server) => new() { Environment = { ["RELAY_ADMIN"] = server } };

    public async Task<CliResult> RunAsync(params string[] args)
    {
        var output = new StringWriter(CultureInfo.InvariantCulture) { NewLine = "\n" };
        var error = new StringWriter(CultureInfo.InvariantCulture) { NewLine = "\n" };
        var context = new CommandContext(Environment.GetValueOrDefault, Terminal, Clock, () => Input);
        var configuration = new InvocationConfiguration { Output = Writer ?? output, Error = error };
        var line = Timeout is { } timeout && !args.Contains("--timeout") ? [.. args, "--timeout", timeout] : args;
        var exitCode = await AdminCommand.RunAsync(line, context, configuration).WaitAsync(Patience, TestContext.Current.CancellationToken);
        return new CliResult(exitCode, output.ToString(), error.ToString());
    }

    /// <summary>The command line split at blanks, as in the help's examples.</summary>
    public Task<CliResult> RunLineAsync(string line) => RunAsync(line.Split(' ', StringSplitOptions.RemoveEmptyEntries));
}
