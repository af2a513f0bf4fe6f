using AdminCli.Tests.Support;
using Relay.AdminCli;

namespace AdminCli.Tests;

public sealed class DefaultSocketTests
{
    [Fact]
    public void Candidates_RuntimeFolderKnown_IsFirst() => Assert.Equal(
        ["/run/user/7/relay/admin.sock", "/run/relay/admin.sock", "/tmp/relay-7/admin.sock"],
        DefaultSocket.Candidates(name => name == "XDG_RUNTIME_DIR" ? "/run/user/7" : null, 7));

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    public void Candidates_NoRuntimeFolder_LeavesItOut(string? runtime) => Assert.Equal(
        ["/run/relay/admin.sock", "/tmp/relay-7/admin.sock"],
        DefaultSocket.Candidates(_ => runtime, 7));

    [Fact]
    public void Find_SecondExists_TakesIt()
    {
        using var folder = new TempFolder();
        File.WriteAllText(folder["b.sock"], "");
        File.WriteAllText(folder["c.sock"], "");
        var found = DefaultSocket.Find([folder["a.sock"], folder["b.sock"], folder["c.sock"]], LibC.EffectiveUserId, out var problem);
        Assert.Null(problem);
        Assert.Equal(folder["b.sock"], found?.SocketPath);
    }

    [Fact]
    public void Find_NoneExists_ListsAllThatWereTried()
    {
        Assert.Null(DefaultSocket.Find(["/nowhere/a.sock", "/nowhere/b.sock"], 7, out var problem));
        Assert.Equal(
            "Cannot find a relay: no admin socket at /nowhere/a.sock, /nowhere/b.sock.\nIs relayd running? Start it, or give its socket with --server or RELAY_ADMIN.",
            problem);
    }

    [Theory]
    [InlineData("")]
    [InlineData("a.sock")]
    public async Task Find_FolderOrSocketOfAStrangerUnderTmp_IsIgnored(string foreign)
    {
        Assert.SkipUnless(LibC.EffectiveUserId == 0, "SKIPPED: only root can make a file that belongs to somebody else.");
        using var folder = new TempFolder();
        await File.WriteAllTextAsync(folder["a.sock"], "", TestContext.Current.CancellationToken);
        var changed = await ChildProcess.RunAsync("chown", ["12345", folder[foreign]]);
        Assert.Equal(0, changed.ExitCode);
        Assert.Null(DefaultSocket.Find([folder["a.sock"]], 7, out var problem));
        Assert.Contains("a.sock (ignored: it belongs to 12345)", problem);
    }

    [Fact]
    public async Task Run_RuntimeFolderHoldsAStaleSocket_ThatOneIsTried()
    {
        using var folder = new TempFolder();
        Directory.CreateDirectory(folder["relay"]);
        File.WriteAllText(folder["relay/admin.sock"], "");
        var result = await new Cli { Environment = { ["XDG_RUNTIME_DIR"] = folder.FullName } }.RunAsync("stats");
        Assert.Equal(ExitCodes.Unreachable, result.ExitCode);
        Assert.StartsWith($"Cannot reach the relay at unix:{folder["relay/admin.sock"]}: ", result.Error);
    }

    [Fact]
    public void EffectiveUserId_OfThisProcess_IsWhatIdSays()
    {
        var own = File.ReadLines("/proc/self/status").First(line => line.StartsWith("Uid:", StringComparison.Ordinal)).Split('\t');
        Assert.Equal(own[2], $"{LibC.EffectiveUserId}");
    }

    [Fact]
    public void UserNames_KnownAndUnknown_AreNameAndNumber()
    {
        Assert.Equal("root", UserNames.OfUser(0));
        Assert.Equal("root", UserNames.OfGroup(0));
        Assert.Equal("4123456789", UserNames.OfUser(4_123_456_789));
    }
}
