using AdminCli.Tests.Support;
using Relay.AdminCli;

namespace AdminCli.Tests;

public sealed class CompletionTests
{
    // What bash does at TAB: sets the line, the point and the words, and calls the function that was registered.
    private const string AtTab = """
        set -u
        source <(relayctl completion bash)
        COMP_LINE=$1 COMP_POINT=$2
        head=${COMP_LINE:0:COMP_POINT}
        read -ra COMP_WORDS <<<"$head"
        [[ $head == *' ' ]] && COMP_WORDS+=("")
        COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
        [[ $(complete -p relayctl) =~ -F\ ([^ ]+)\  ]]
        "${BASH_REMATCH[1]}" "${COMP_WORDS[0]}" "${COMP_WORDS[COMP_CWORD]}" ""
        printf '%s\n' "${COMPREPLY[@]}"
        """;

    [Theory]
    [InlineData("relayctl st", "stats")]
    [InlineData("relayctl set-", "set-limit")]
    [InlineData("relayctl top --sort ", "connections recent refused")]
    [InlineData("relayctl top --on", "--once")]
    [InlineData("relayctl ips --sort ", "connections recent refused")]
    [InlineData("relayctl ips --sort re", "recent refused")]
    [InlineData("relayctl relays --sort ", "connected load recent")]
    [InlineData("relayctl relays --state ", "busy offered")]
    [InlineData("relayctl channels --sort ", "dropped recent subscribers waiting")]
    [InlineData("relayctl channels --state o", "owned ownerless")]
    [InlineData("relayctl ch", "channels check")]
    [InlineData("relayctl stats -o ", "csv json jsonl table wide")]
    [InlineData("relayctl -o json st", "stats")]
    [InlineData("relayctl set-limit --per-i", "--per-ip")]
    [InlineData("relayctl set-limit --per-", "--per-24 --per-48 --per-56 --per-ip")]
    [InlineData("relayctl set-limit --per-56 ", "64x 8x off")]
    [InlineData("relayctl set-limit --excess ", "evict-idle evict-newest keep")]
    [InlineData("relayctl set-limit --unresolved ", "refuse total-only")]
    [InlineData("relayctl limits sh", "shadow")]
    [InlineData("relayctl limits shadow p", "promote")]
    [InlineData("relayctl overrides set 203.0.113.7 un", "unlimited")]
    [InlineData("relayctl ban 203.0.113.7 --d", "--disconnect --dry-run")]
    [InlineData("relayctl completion z", "zsh")]
    [InlineData("relayctl conn", "connections")]
    [InlineData("relayctl connections --sort ", "age bytes idle messages queue")]
    [InlineData("relayctl connections --kind ", "all code peer unregistered")]
    [InlineData("relayctl disc", "disconnect")]
    [InlineData("relayctl disconnect --close-", "--close-code --close-reason")]
    [InlineData("relayctl dr", "drain")]
    [InlineData("relayctl drain --can", "--cancel")]
    [InlineData("relayctl cont", "context")]
    [InlineData("relayctl check --clients-", "--clients-critical --clients-warning")]
    [InlineData("relayctl context rem", "remove")]
    [InlineData("relayctl ta", "tail")]
    [InlineData("relayctl tail --ref", "--refused")]
    [InlineData("relayctl ex", "explain")]
    [InlineData("relayctl ev", "events")]
    [InlineData("relayctl events --fo", "--follow")]
    [InlineData("relayctl explain --l", "--last --listener")]
    [InlineData("relayctl stats --w", "--watch")]
    public async Task Bash_AtTab_OffersWhatFits(string line, string expected)
    {
        var result = await CompleteAsync(line, line.Length);
        Assert.Equal(expected.Split(' '), result.OutputLines);
    }

    [Fact]
    public async Task Bash_AtTheFirstWord_OffersEveryCommand()
    {
        var result = await CompleteAsync("relayctl ", 9);
        Assert.All(HelpTests.Commands, command => Assert.Contains((string)command, result.OutputLines));
    }

    [Fact]
    public async Task Bash_CursorInsideTheLine_CompletesTheWordThere()
    {
        var result = await CompleteAsync("relayctl st --watch", "relayctl st".Length);
        Assert.Equal(["stats"], result.OutputLines);
    }

    [Fact]
    public async Task Bash_PathInsteadOfName_CompletesTheSame()
    {
        var line = $"{ChildProcess.Relayctl} st";
        var result = await CompleteAsync(line, line.Length);
        Assert.Equal(["stats"], result.OutputLines);
    }

    [Fact]
    public async Task Bash_ShellThatForbidsUnsetNames_NeedsNoHome()
    {
        var result = await ChildProcess.RunAsync("env", ["-u", "HOME", "bash", "--noprofile", "--norc", "-c", AtTab, "bash", "relayctl st", "11"]);
        Assert.Equal((0, "stats\n", ""), (result.ExitCode, result.Output, result.Error));
    }

    [Theory]
    [InlineData("bash", "complete -F _relayctl relayctl")]
    [InlineData("zsh", "compdef _relayctl relayctl")]
    [InlineData("fish", "complete -c relayctl")]
    public async Task Completion_EachShell_PrintsAScript(string shell, string line)
    {
        var result = await new Cli().RunAsync("completion", shell);
        Assert.Equal(ExitCodes.Ok, result.ExitCode);
        Assert.Contains(line, result.Output);
        Assert.Empty(result.Error);
    }

    [Theory]
    [InlineData("zsh", "-f")]
    [InlineData("fish", "-N")]
    public async Task Completion_ScriptOfAShellThatIsHere_HasNoSyntaxError(string shell, string noStartFiles)
    {
        Assert.SkipUnless(File.Exists($"/usr/bin/{shell}"), $"SKIPPED: {shell} is not installed.");
        using var folder = new TempFolder();
        var script = await new Cli().RunAsync("completion", shell);
        await File.WriteAllTextAsync(folder["script"], script.Output, TestContext.Current.CancellationToken);
        var result = await ChildProcess.RunAsync($"/usr/bin/{shell}", [noStartFiles, "-n", folder["script"]]);
        Assert.Equal((0, ""), (result.ExitCode, result.Error));
    }

    private static async Task<CliResult> CompleteAsync(string line, int point)
    {
        var result = await ChildProcess.RunAsync("bash", ["--noprofile", "--norc", "-c", AtTab, "bash", line, $"{point}"]);
        Assert.Empty(result.Error);
        return result;
    }
}
