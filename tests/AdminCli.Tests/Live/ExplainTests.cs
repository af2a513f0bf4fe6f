using System.Text.Json;
using AdminCli.Tests.Support;
using Relay.AdminCli;

namespace AdminCli.Tests.Live;

public sealed class ExplainTests(RelayFixture fixture) : IClassFixture<RelayFixture>
{
    [Fact]
    public async Task Explain_AddressAtItsLimit_SaysWhatHoldsItAndWhatCameBefore()
    {
        await using var relay = await RelayProcess.StartAsync("--Admission:PerIp=2");
        await relay.OpenAsync("127.0.0.7");
        await relay.OpenAsync("127.0.0.7");
        await relay.OpenAsync("127.0.0.7");

        var result = await relay.Cli.RunLineAsync("explain 127.0.0.7");
        Assert.Equal((ExitCodes.Ok, ""), (result.ExitCode, result.Error));
        Assert.Matches(@"^verdict +per_ip_limit   the client gets the upgrade, then close 1013 ""Too many connections from this IP""$", result.OutputLines[0]);
        Assert.Matches(@"^source +127\.0\.0\.7 is the client: not in Admission:TrustedProxies$", result.OutputLines[1]);
        Assert.Matches(@"^address +127\.0\.0\.7   counted as 127\.0\.0\.7$", result.OutputLines[2]);
        Assert.Matches(@"^rate +address 20/s burst 200   all 1000/s burst 10000$", result.OutputLines[3]);
        Assert.Matches(@"\nLIMIT +COUNTED_BY +CONNECTIONS +OF +SET_BY +REACHED\ntotal +- +2 +10000 +total +no\n", result.Output);
        Assert.Matches(@"\naddress +127\.0\.0\.7 +2 +2 +per-ip +yes\n/24 +127\.0\.0\.0/24 +2 +none +per-24 \(off\) +no\n", result.Output);
        var last = result.OutputLines.SkipWhile(line => line != "Last decisions, newest first:").Skip(1).ToArray();
        Assert.Equal(3, last.Length);
        Assert.Matches(@"^  \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d\d\dZ refused per_ip_limit 127\.0\.0\.7  per-ip 2/2  /24 2  total 2/[1-9]\d+$", last[0]);
        Assert.Matches(@" admitted 127\.0\.0\.7  per-ip 0/2  /24 0  total 0/[1-9]\d+$", last[2]);
        Assert.DoesNotContain('\e', result.Output);

        var one = await relay.Cli.RunLineAsync("explain 127.0.0.7 --last 1");
        Assert.Single(one.OutputLines.SkipWhile(line => line != "Last decisions, newest first:").Skip(1));
        var other = await relay.Cli.RunLineAsync("explain 127.0.0.8");
        Assert.StartsWith("verdict   admitted   the client gets the upgrade (101) and the greeting\n", other.Output);
        Assert.DoesNotContain("Last decisions", other.Output);
    }

    [Fact]
    public async Task Explain_RulesAndProxies_AreNamedInWordsAndInJson()
    {
        await using var relay = await RelayProcess.StartAsync("--Admission:TrustedProxies=10.0.0.0/8", "--Admission:Overrides=203.0.113.0/24=7");
        foreach (var change in new[] { "ban 198.51.100.7 --for 1h --reason scanning", "limits shadow set --override 203.0.113.0/24=deny" })
        {
            Assert.Equal(ExitCodes.Ok, (await relay.Cli.RunLineAsync(change)).ExitCode);
        }

        var banned = await relay.Cli.RunLineAsync("explain 198.51.100.7");
        Assert.Matches(@"^verdict +banned   the client gets the upgrade, then close 1008 ""Banned""\n", banned.Output);
        Assert.Matches(@"\nban +198\.51\.100\.7 until \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ   manual   scanning\n", banned.Output);

        var proxied = await relay.Cli.RunAsync("explain", "10.0.0.2", "-H", "X-Forwarded-For: 203.0.113.9, 10.0.0.9");
        Assert.Matches(@"\nsource +10\.0\.0\.2 is a trusted proxy \(matches 10\.0\.0\.0/8\), reading X-Forwarded-For\n", proxied.Output);
        Assert.Matches(@"\nsource +X-Forwarded-For, 2nd from the right: 203\.0\.113\.9 is the client: ", proxied.Output);
        Assert.Equal(3, proxied.OutputLines.Count(line => line.StartsWith("source ", StringComparison.Ordinal)));
        Assert.Matches(@"\naddress +203\.0\.113\.9   counted as 203\.0\.113\.9\n", proxied.Output);
        Assert.Matches(@"\nshadow +would be denied\n", proxied.Output);
        Assert.Matches(@"\naddress +203\.0\.113\.9 +0 +7 +override/203\.0\.113\.0/24 +no\n", proxied.Output);

        var answer = await relay.Cli.RunAsync("explain", "10.0.0.2", "-H", "X-Forwarded-For: 203.0.113.9", "-o", "json");
        using var json = JsonDocument.Parse(answer.Output);
        Assert.Equal(("admitted", "denied", "203.0.113.9"), (Text("verdict"), Text("shadowVerdict"), Text("address")));

        string? Text(string name) => json.RootElement.GetProperty(name).GetString();
    }

    [Fact]
    public async Task Explain_UnknownListener_SaysWhichThereAre()
    {
        var result = await fixture.Relay.Cli.RunLineAsync("explain 192.0.2.1 --listener 192.0.2.1:80");
        Assert.Equal((ExitCodes.Rejected, "Request rejected:"), (result.ExitCode, result.ErrorLines[0]));
        Assert.StartsWith("  listener: there is no listener '192.0.2.1:80'; there are 127.0.0.1:", result.ErrorLines[1]);
        Assert.Empty(result.Output);
    }
}
