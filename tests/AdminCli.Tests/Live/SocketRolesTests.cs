using AdminCli.Tests.Support;
using Relay.AdminCli;

namespace AdminCli.Tests.Live;

/// <summary>Users and groups on the Unix socket, as the kernel tells of them.</summary>
public sealed class SocketRolesTests
{
    // Every role by user, by group and by a group beside; what it may and what it is told where it may not.
    [Fact]
    public async Task Call_ByUsersAndGroups_MayWhatTheirListsSay()
    {
        using var other = await OtherUser.PrepareAsync();
        await using var relay = await RelayProcess.StartAsync(
            "--Admin:Readers=nobody,4001,@5001", "--Admin:Operators=4002,@5002", "--Admin:Admins=@5003");
        var opened = await ChildProcess.BashAsync($"chmod 666 {relay.Socket} && chmod 711 {Path.GetDirectoryName(relay.Socket)}");
        Assert.Equal(0, opened.ExitCode);

        foreach (var (user, group, groups, role) in new[]
        {
            (4000, 4000, "", 0),
            (65534, 65534, "", 1),
            (4001, 4001, "", 1),
            (4000, 5001, "", 1),
            (4000, 4000, "7,5001", 1),
            (4002, 4002, "", 2),
            (4001, 4001, "5001,5002", 2),
            (4001, 4001, string.Join(',', Enumerable.Range(6000, 200)) + ",5003", 3),
        })
        {
            await AssertAsync("stats", role >= 1, "Permission denied: GetStats requires role read");
            await AssertAsync("set-limit --per-ip 50 --reason test", role >= 2, "Permission denied: ChangePolicy requires role operate");
            await AssertAsync("token list", role >= 3, "Permission denied: ListTokens requires role admin");
            Assert.Equal("serving\n", (await RunAsync("health")).Output);

            Task<CliResult> RunAsync(string line) => other.RunAsync(user, group, groups, [.. line.Split(' '), "--server", relay.Socket]);

            async Task AssertAsync(string line, bool may, string refusal)
            {
                var result = await RunAsync(line);
                if (may)
                {
                    Assert.Equal((ExitCodes.Ok, ""), (result.ExitCode, result.Error));
                    return;
                }

                Assert.Equal(ExitCodes.Rejected, result.ExitCode);
                Assert.Matches($@"^{refusal}; uid={user}\S* gid={group} pid=\d+ has .*Admin:(Readers|Operators|Admins)\.\n\(request [0-9a-f]{{16}}\)\n$", result.Error);
                var audit = await relay.Cli.RunLineAsync("audit --last 1");
                Assert.Contains($"uid={user}", audit.Output);
                Assert.Contains($"PERMISSION_DENIED: {refusal}", audit.Output);
            }
        }

        // Root is in no list and may do all.
        Assert.Equal(ExitCodes.Ok, (await relay.Cli.RunLineAsync("token list")).ExitCode);
    }

    [Fact]
    public async Task Call_NoList_WhoeverTheFileLetsInMayDoAll()
    {
        using var other = await OtherUser.PrepareAsync();
        await using var relay = await RelayProcess.StartAsync();
        var opened = await ChildProcess.BashAsync($"chgrp 5001 {relay.Socket} && chmod 711 {Path.GetDirectoryName(relay.Socket)}");
        Assert.Equal(0, opened.ExitCode);

        Assert.Equal(ExitCodes.Ok, (await other.RunAsync(4000, 4000, "5001", "token", "list", "--server", relay.Socket)).ExitCode);
        var stranger = await other.RunAsync(4000, 4000, "", "stats", "--server", relay.Socket);
        Assert.Equal(ExitCodes.Unreachable, stranger.ExitCode);
        Assert.Contains("permission denied", stranger.Error);
    }
}
