using AdminCli.Tests.Support;
using Relay.AdminCli;

namespace AdminCli.Tests;

public sealed class HelpTests
{
    public static TheoryData<string> Commands => ["stats", "top", "ips", "limits", "set-limit", "peers", "verify", "health", "audit", "token", "completion", "relays", "channels", "confirm", "overrides", "ban", "unban", "bans", "explain", "tail", "events", "connections", "disconnect", "drain", "upgrade", "reload", "config", "help", "version", "federation", "context", "check", "doctor", "dashboard"];

    public static TheoryData<string> Subcommands =>
    [
        "limits history", "limits diff", "limits rollback", "limits reset", "limits shadow", "limits shadow set", "limits shadow show", "limits shadow promote",
        "limits shadow clear", "overrides set", "overrides remove", "context add", "context use", "context list", "context remove",
    ];

    [Theory]
    [MemberData(nameof(Commands))]
    [MemberData(nameof(Subcommands))]
    public async Task Help_OfEachCommand_HasExamplesThatParse(string command)
    {
        var result = await new Cli().RunLineAsync($"{command} --help");
        Assert.Equal(ExitCodes.Ok, result.ExitCode);
        var examples = result.OutputLines.SkipWhile(line => line != "Examples:").Skip(1).ToArray();
        Assert.NotEmpty(examples);
        Assert.All(examples, example => Assert.Contains($"relayctl {command}", example));
    }

    [Theory]
    [MemberData(nameof(Commands))]
    [MemberData(nameof(Subcommands))]
    public async Task Help_OfEachCommand_ExplainsTheGlobalOptionsAndStaysReadable(string command)
    {
        var result = await new Cli().RunLineAsync($"{command} -h");
        Assert.Contains("Output format: table (default), wide: with more columns, json: one object, ", Unwrapped(result.Output));
        Assert.Contains("--server", result.Output);
        Assert.Contains("Details:", result.Output);
        Assert.All(result.OutputLines, line => Assert.True(line.Length <= 120, line));
    }

    [Fact]
    public async Task Help_OfTheRoot_ListsCommandsExitCodesAndEnvironment()
    {
        var result = await new Cli().RunAsync("--help");
        Assert.Equal(ExitCodes.Ok, result.ExitCode);
        Assert.All(Commands, command => Assert.Contains($"\n  {(string)command}", result.Output));
        Assert.All((string[])["Examples:", "Exit codes:", "RELAY_ADMIN", "--context", "NO_COLOR", "$XDG_RUNTIME_DIR/relay/admin.sock"], word => Assert.Contains(word, result.Output));
    }

    [Fact]
    public async Task Help_WithoutACommand_IsTheRoots()
    {
        var expected = (await new Cli().RunAsync("--help")).Output;
        foreach (var line in (string[])["", "help"])
        {
            var result = await new Cli().RunLineAsync(line);
            Assert.Equal((ExitCodes.Ok, expected, ""), (result.ExitCode, result.Output, result.Error));
        }
    }

    [Theory]
    [MemberData(nameof(Commands))]
    [MemberData(nameof(Subcommands))]
    public async Task Help_AsACommand_IsTheSame(string command)
    {
        var result = await new Cli().RunLineAsync($"help {command}");
        Assert.Equal((ExitCodes.Ok, (await new Cli().RunLineAsync($"{command} --help")).Output, ""), (result.ExitCode, result.Output, result.Error));
    }

    // The left column of the glossary: the words that 0.1.0 had to itself.
    [Theory]
    [MemberData(nameof(Commands))]
    [MemberData(nameof(Subcommands))]
    [InlineData("")]
    public async Task Help_OfEachCommand_SpeaksTheFieldsLanguage(string command)
    {
        var text = Unwrapped((await new Cli().RunLineAsync($"{command} --help")).Output);
        Assert.DoesNotMatch(
            @"(?i)\b(books|newcomers?|told|taken back|given back|in all|rungs?|ladder|calm|flooded|emptie[sd]|emptying|mend|defect|strangers?|said no|anew|unproven|proven|for eyes)\b", text);
    }

    [Theory]
    [InlineData("", "confirm [<revision>]")]
    [InlineData("", "help [<command>]")]
    [InlineData("", "completion <bash|zsh|fish>")]
    [InlineData("overrides", "set <network> <limit|unlimited|deny>")]
    [InlineData("confirm", "[<revision>]")]
    public async Task Help_Lists_ShowWhichArgumentsAreOptional(string command, string line)
    {
        var result = await new Cli().RunLineAsync($"help {command}");
        Assert.Contains(result.OutputLines, shown => shown.StartsWith($"  {line}  ", StringComparison.Ordinal));
        Assert.DoesNotContain(result.Output, c => char.IsControl(c) && c != '\n');
        Assert.All(result.OutputLines, shown => Assert.Equal(shown.TrimEnd(), shown));
    }

    [Theory]
    [InlineData("limits diff", "[<to>]")]
    [InlineData("confirm", "[<revision>]")]
    [InlineData("limits rollback", "<revision>")]
    [InlineData("help", "[<command>...]")]
    [InlineData("completion", "<bash|zsh|fish>")]
    public async Task Help_OptionalArguments_LookOptional(string command, string argument)
    {
        var usage = (await new Cli().RunLineAsync($"help {command}")).OutputLines.SkipWhile(line => line != "Usage:").ElementAt(1);
        Assert.Contains($" {argument}", usage);
    }

    [Theory]
    [InlineData("set-limit", "1 to 1,000,000")]
    [InlineData("set-limit", "At most 256 characters")]
    [InlineData("set-limit", "disconnects no client")]
    [InlineData("set-limit", "stays, also over a restart")]
    [InlineData("stats", "100ms to 1h (default 1s)")]
    [InlineData("stats", "100ms to 5m (default 5s)")]
    [InlineData("stats", "powers of 1024")]
    [InlineData("ips", "0: all (default 20)")]
    [InlineData("relays", "what the relay reports")]
    [InlineData("channels", "counted once per subscriber since the channel was created")]
    [InlineData("verify", "1 when they do not")]
    [InlineData("explain", "1 to 100 (default 20)")]
    [InlineData("tail", "0 to 1000 (default 10)")]
    [InlineData("events", "0 to 1024 (default 20)")]
    [InlineData("tail", "at most ten admissions and ten refusals in ten seconds")]
    [InlineData("connections", "Pairing codes and peer ids are not shown")]
    [InlineData("disconnect", "1000, 1001, 1008, 1011 to 1013 or 3000 to 4999 (default 1008)")]
    [InlineData("disconnect", "at most 123 bytes")]
    [InlineData("drain", "1 to 100,000 (default 100)")]
    [InlineData("drain", "1s to 24h (default 5m)")]
    [InlineData("drain", "Ctrl-C stops watching, the drain continues")]
    public async Task Help_OfACommand_SaysUnitsAndRanges(string command, string text)
    {
        var result = await new Cli().RunAsync(command, "--help");
        Assert.Contains(text, Unwrapped(result.Output));
    }

    [Fact]
    public async Task Help_NextToAMistake_IsStillShown()
    {
        var result = await new Cli().RunLineAsync("set-limit --per-ip 0 --help");
        Assert.Equal(ExitCodes.Ok, result.ExitCode);
        Assert.Contains("Examples:", result.Output);
        Assert.Empty(result.Error);
    }

    [Fact]
    public async Task Help_OnANarrowTerminal_IsWrappedToIt()
    {
        var result = await new Cli { Terminal = new Terminal(true, false, () => (80, 24)) }.RunAsync("set-limit", "--help");
        var details = result.OutputLines.SkipWhile(line => line != "Details:").Skip(1).TakeWhile(line => line != "Examples:");
        Assert.All(details, line => Assert.True(line.Length <= 80, line));
    }

    private static string Unwrapped(string text) => string.Join(' ', text.Split([' ', '\n'], StringSplitOptions.RemoveEmptyEntries));
}
