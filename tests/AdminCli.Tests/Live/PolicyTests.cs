using System.Text.Json;
using AdminCli.Tests.Support;
using Relay.AdminCli;

namespace AdminCli.Tests.Live;

/// <summary>Trying, taking back, saving and comparing limits on a real relay.</summary>
public sealed class PolicyTests
{
    private static readonly string[] Small = ["--Admission:Total=1000", "--Admission:PerIp=20"];

    [Fact]
    public async Task SetLimit_DryRun_SaysWhoWouldBeOverAndChangesNothing()
    {
        await using var relay = await RelayProcess.StartAsync(Small);
        for (var i = 0; i < 3; i++)
        {
            Assert.True(await relay.ConnectAsync());
        }

        var result = await relay.Cli.RunLineAsync("set-limit --per-ip 1 --excess evict-idle --dry-run");
        Assert.Equal(ExitCodes.Ok, result.ExitCode);
        Assert.Matches(
            @"^total         1,000 \(unchanged\)\nper-ip        20 -> 1\nrevision      1 \(unchanged\)\ncurrent       clients 3   addresses over their limit 1\n"
                + @"would close   2 clients\n2 of 3 clients are above the limits\.\n2 of 3 admissions of the last \d+s would have been refused\.\n"
                + @"OVER +CONNECTIONS +LIMIT\n127\.0\.0\.1 +3 +1\nDry run: nothing was changed\.\n$",
            result.Output);
        var limits = await relay.Cli.RunAsync("limits");
        Assert.Matches(@"\nper-ip +20 clients", limits.Output);
        Assert.Matches(@"\nrevision +1\n", limits.Output);
    }

    [Fact]
    public async Task SetLimit_OtherLimits_AreShownAndHold()
    {
        await using var relay = await RelayProcess.StartAsync(Small);
        var result = await relay.Cli.RunAsync("set-limit", "--per-56", "4x", "--per-24", "100", "--rate-per-ip", "5/s burst 50", "--unresolved", "refuse", "--unresolved-limit", "7");
        Assert.Equal((ExitCodes.Ok, ""), (result.ExitCode, result.Error));
        Assert.Matches(@"\nper-ip +20 \(unchanged\)\nper-24 +off -> 100\nper-56 +8x -> 4x\n", result.Output);
        Assert.Contains("5/s burst 50\n", result.Output);
        var limits = await relay.Cli.RunAsync("limits");
        Assert.Matches(@"\nper-56 +4x, 80 clients of one IPv6 /56\n", limits.Output);
        Assert.Matches(@"\nper-24 +100 clients of one IPv4 /24\n", limits.Output);
        Assert.Matches(@"\nrates +one address 5/s burst 50", limits.Output);
        Assert.Matches(@"\nunknown address +refused\n", limits.Output);
        Assert.Matches(@"\nrefusal mode +auto \(now normal\)\n", limits.Output);
        Assert.Matches(@"\nchanged +per-24 100, configured off   by uid=", limits.Output);
    }

    [Fact]
    public async Task SetLimit_ForATime_SaysWhenAndIsTakenBack()
    {
        await using var relay = await RelayProcess.StartAsync(Small);
        var result = await relay.Cli.RunLineAsync("set-limit --per-ip 5 --for 30m");
        Assert.Matches(@"\nreverts +at \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ \(in (30m|29m\d+s)\)\n", result.Output);
        var limits = await relay.Cli.RunAsync("limits");
        Assert.Matches(@"\nreverts +per-ip 5 -> 20 at .* \(in (30m|29m\d+s)\), revision 2\n", limits.Output);

        await relay.Cli.RunLineAsync("set-limit --per-ip 6 --for 1s");
        await relay.PrintedAsync("revision 3 expired");
        Assert.Matches(@"\nper-ip +5 clients", (await relay.Cli.RunAsync("limits")).Output);
    }

    [Fact]
    public async Task Confirm_InTime_KeepsTheChangeAndOtherwiseSaysThatNothingWaits()
    {
        await using var relay = await RelayProcess.StartAsync(Small);
        var changed = await relay.Cli.RunLineAsync("set-limit --per-ip 5 --confirm-within 1h");
        Assert.Contains(", or it is reverted: relayctl confirm 2\n", changed.Output);

        Assert.Equal((ExitCodes.Rejected, ""), await CodeAsync(relay, "confirm 9"));
        Assert.Equal((ExitCodes.Ok, "Confirmed revision 2; the current revision is 2.\n"), await CodeAsync(relay, "confirm 2"));
        Assert.Equal((ExitCodes.Rejected, ""), await CodeAsync(relay, "confirm"));
        Assert.DoesNotContain("reverts", (await relay.Cli.RunAsync("limits")).Output);
    }

    [Fact]
    public async Task Limits_HistoryDiffAndRollback_FollowTheChanges()
    {
        await using var relay = await RelayProcess.StartAsync(Small);
        await relay.Cli.RunAsync("set-limit", "--per-ip", "5", "--reason", "a flood");
        await relay.Cli.RunLineAsync("overrides set 203.0.113.0/24 200");

        var history = (await relay.Cli.RunLineAsync("limits history")).OutputLines;
        Assert.Matches("^REVISION +WHEN +WHO +CHANGES +REASON$", history[0]);
        Assert.Matches(@"^ +3 .*override/203\.0\.113\.0/24 \(none\) -> 200 ", history[1]);
        Assert.Matches("^ +2 .*per-ip 20 -> 5 +a flood$", history[2]);
        Assert.Single((await relay.Cli.RunLineAsync("limits history --top 1 -o json")).OutputLines, line => line.Contains("\"revision\"", StringComparison.Ordinal));

        Assert.Equal("ITEM     BEFORE   AFTER\nper-ip   20       5\n", (await relay.Cli.RunLineAsync("limits diff 1 2")).Output);
        Assert.Equal("Revisions 3 and 3 are equal.\n", (await relay.Cli.RunLineAsync("limits diff 3")).Output);
        Assert.Equal(ExitCodes.Rejected, (await relay.Cli.RunLineAsync("limits diff 99")).ExitCode);

        var back = await relay.Cli.RunLineAsync("limits rollback 1");
        Assert.Contains("5 -> 20\n", back.Output);
        Assert.Contains("200 -> (none)\n", back.Output);
        Assert.Contains("3 -> 4\n", back.Output);
        Assert.Equal("No overrides.\n", (await relay.Cli.RunAsync("overrides")).Output);
    }

    [Fact]
    public async Task Shadow_SetShowPromote_CountsBeforeItIsEnforced()
    {
        await using var relay = await RelayProcess.StartAsync(Small);
        Assert.Equal("There is no shadow.\n", (await relay.Cli.RunLineAsync("limits shadow show")).Output);
        Assert.Equal(ExitCodes.Rejected, (await relay.Cli.RunLineAsync("limits shadow promote")).ExitCode);

        await relay.Cli.RunLineAsync("limits shadow set --per-ip 1 --override 203.0.113.0/24=deny");
        Assert.True(await relay.ConnectAsync());
        Assert.True(await relay.ConnectAsync());
        var shown = await relay.Cli.RunLineAsync("limits shadow show");
        Assert.Matches(@"\noverride/203\.0\.113\.0/24 +deny +\(none\)\nper-ip +1 +20\n", shown.Output);
        Assert.Matches(@"\nwould have refused +1 +per_ip_limit 1\nwould have admitted +0\n$", shown.Output);
        Assert.Matches("^ADDRESS .* SHADOW$", (await relay.Cli.RunAsync("ips")).OutputLines[0]);

        await relay.Cli.RunLineAsync("limits shadow promote");
        Assert.Matches(@"\nper-ip +1 clients", (await relay.Cli.RunAsync("limits")).Output);
        Assert.Equal(ExitCodes.Rejected, (await relay.Cli.RunLineAsync("limits shadow clear")).ExitCode);
    }

    [Fact]
    public async Task Overrides_SetAndRemove_AreListed()
    {
        await using var relay = await RelayProcess.StartAsync(Small);
        await relay.Cli.RunLineAsync("overrides set 203.0.113.0/24 2000");
        await relay.Cli.RunLineAsync("overrides set 2001:db8::/32 deny --for 1h");
        var listed = (await relay.Cli.RunAsync("overrides")).OutputLines;
        Assert.Matches(@"^2001:db8::/32 +deny +\d{4}-.*Z \(in (1h|59m(\d+s)?)\)$", listed[1]);
        Assert.Matches(@"^203\.0\.113\.0/24 +2,000 +-$", listed[2]);

        await relay.Cli.RunLineAsync("overrides remove 203.0.113.0/24");
        using var json = JsonDocument.Parse((await relay.Cli.RunLineAsync("overrides -o json")).Output);
        Assert.True(Assert.Single(json.RootElement.GetProperty("overrides").EnumerateArray()).GetProperty("deny").GetBoolean());

        var none = await relay.Cli.RunLineAsync("overrides remove 203.0.113.0/24");
        Assert.Equal((ExitCodes.Rejected, "No override matches 203.0.113.0/24; `relayctl overrides` lists those that are set.\n"), (none.ExitCode, none.Error));
        var wrong = await relay.Cli.RunLineAsync("overrides set 10.0.0.1/8 5");
        Assert.Equal(ExitCodes.Usage, wrong.ExitCode);
        Assert.Contains("has bits set after the prefix; write 10.0.0.0/8 or 10.0.0.1", wrong.Error);
    }

    [Fact]
    public async Task Bans_BanAndUnban_SayWhatTheyHit()
    {
        await using var relay = await RelayProcess.StartAsync(Small);
        Assert.True(await relay.ConnectAsync());
        Assert.Equal("No bans.\n", (await relay.Cli.RunAsync("bans")).Output);
        var refused = await relay.Cli.RunLineAsync("ban 127.0.0.0/8");
        Assert.Equal(ExitCodes.Rejected, refused.ExitCode);
        Assert.Contains("insist with `relayctl ban --force`", refused.Error);

        var tried = await relay.Cli.RunLineAsync("ban 127.0.0.0/8 --force --disconnect --dry-run");
        Assert.Equal(
            "would ban   127.0.0.0/8   until unbanned\nconnected   1 clients connected from this network; they would be disconnected\nrevision    1 (unchanged)\nDry run: nothing was changed.\n", tried.Output);
        Assert.Equal("No bans.\n", (await relay.Cli.RunAsync("bans")).Output);

        await relay.Cli.RunAsync("ban", "203.0.113.7", "--for", "1h", "--reason", "scanning");
        Assert.Contains("connected   0 clients connected from this network; none to disconnect\n", (await relay.Cli.RunLineAsync("ban 2001:db8::/32 --disconnect")).Output);
        var listed = (await relay.Cli.RunAsync("bans")).OutputLines;
        Assert.Matches(@"^203\.0\.113\.7 +(1h|59m(\d+s)?) +manual +scanning$", listed[1]);
        Assert.Matches("^2001:db8::/32 +never +manual +-$", listed[2]);
        Assert.Equal(2, (await relay.Cli.RunLineAsync("bans --cidr 203.0.113.0/24")).OutputLines.Length);

        Assert.Contains("203.0.113.7   manual   scanning\n", (await relay.Cli.RunLineAsync("unban 203.0.113.0/24")).Output);
        var part = await relay.Cli.RunLineAsync("unban 2001:db8:1::/48");
        Assert.Equal(ExitCodes.Rejected, part.ExitCode);
        Assert.Contains("no ban matches 2001:db8:1::/48; it lies within the ban of 2001:db8::/32", part.Error);
    }

    [Fact]
    public async Task Ips_Networks_ListsTheTiersOnly()
    {
        await using var relay = await RelayProcess.StartAsync(Small);
        Assert.True(await relay.ConnectAsync());
        var result = await relay.Cli.RunLineAsync("ips --networks");
        Assert.Matches(@"^127\.0\.0\.0/24 +1 +- +1 +1 +0 ", result.OutputLines[1]);
        Assert.Equal(2, result.OutputLines.Length);
    }

    private static async Task<(int, string)> CodeAsync(RelayProcess relay, string line)
    {
        var result = await relay.Cli.RunLineAsync(line);
        return (result.ExitCode, result.Output);
    }
}
