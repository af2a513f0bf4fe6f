using System.Reflection;
using AdminCli.Tests.Support;
using Relay.AdminCli;

namespace AdminCli.Tests;

/// <summary>The program itself: exit codes, standard output in all its shapes.</summary>
public sealed class ProcessTests
{
    [Fact]
    public async Task Version_OfTheProgram_IsTheAssemblys()
    {
        var result = await ChildProcess.RunAsync(ChildProcess.Relayctl, ["--version"]);
        var version = typeof(AdminCommand).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion;
        Assert.Equal((0, $"{version}\n", ""), (result.ExitCode, result.Output, result.Error));
    }

    [Theory]
    [InlineData("stats --bogus", ExitCodes.Usage)]
    [InlineData("stats --server /nowhere/admin.sock", ExitCodes.Unreachable)]
    [InlineData("stats --help", ExitCodes.Ok)]
    public async Task ExitCode_OfTheProgram_IsTheCommands(string line, int expected)
    {
        var result = await ChildProcess.RunAsync(ChildProcess.Relayctl, line.Split(' '));
        Assert.Equal(expected, result.ExitCode);
        Assert.DoesNotContain("   at ", result.Error);
    }

    [Fact]
    public async Task Output_ReaderIsGone_EndsQuietly()
    {
        var result = await ChildProcess.BashAsync("""exec 3> >(:); wait $!; relayctl --help >&3; echo "exit code $?" """);
        Assert.Equal(("exit code 0\n", ""), (result.Output, result.Error));
    }

    [Fact]
    public async Task Output_DiskFull_IsOneLineAndNotZero()
    {
        Assert.SkipUnless(File.Exists("/dev/full"), "SKIPPED: no /dev/full here.");
        var result = await ChildProcess.BashAsync("relayctl --help > /dev/full");
        Assert.Equal(ExitCodes.Rejected, result.ExitCode);
        Assert.Equal("Cannot write the output: No space left on device", result.Error.TrimEnd());
    }

    [Fact]
    public async Task Output_SeveralRunsIntoOneFile_FollowOneAnother()
    {
        using var folder = new TempFolder();
        await ChildProcess.BashAsync($$"""{ echo before; relayctl --version; relayctl --version; echo after; } > {{folder["log"]}}""");
        var lines = await File.ReadAllLinesAsync(folder["log"], TestContext.Current.CancellationToken);
        Assert.Equal(4, lines.Length);
        Assert.Equal(("before", "after"), (lines[0], lines[3]));
        Assert.Equal(lines[1], lines[2]);
    }

    [Fact]
    public async Task Interrupt_BeforeTheAnswer_Is130()
    {
        using var folder = new TempFolder();
        using var impostor = new SocketImpostor(folder["admin.sock"], null);
        using var relayctl = ChildProcess.Start(ChildProcess.Relayctl, ["stats", "--timeout", "5m", "--server", folder["admin.sock"]]);
        await impostor.AcceptedAsync().WaitAsync(ChildProcess.Patience, TestContext.Current.CancellationToken);
        await relayctl.SignalAsync("INT");
        var result = await relayctl.EndAsync();
        Assert.Equal((ExitCodes.Interrupted, "", ""), (result.ExitCode, result.Output, result.Error));
    }
}
