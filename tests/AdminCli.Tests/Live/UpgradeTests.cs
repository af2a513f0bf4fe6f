using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using AdminCli.Tests.Support;
using Relay.AdminCli;

namespace AdminCli.Tests.Live;

public sealed partial class UpgradeTests
{
    [Fact]
    public async Task Upgrade_OfARelayWithAClient_SaysWhoServesNow()
    {
        await using var relay = await RelayProcess.StartAsync();
        var client = await relay.EnterAsync("127.0.0.1");

        var result = await relay.Cli.RunLineAsync("upgrade --rate 1000 --reason next");

        Assert.Equal((ExitCodes.Ok, ""), (result.ExitCode, result.Error));
        Assert.Matches(Said(), result.Output);
        using var next = Process.GetProcessById(int.Parse(Said().Match(result.Output).Groups[1].ValueSpan, CultureInfo.InvariantCulture));
        try
        {
            await client.AskAsync("""{"type":"ping"}""", "pong");
            Assert.True(await relay.ConnectAsync());
            Assert.Matches(@"(?m)^\S+ #\d+ .* Upgraded for=.*  ok  \(next\)$", (await relay.Cli.RunAsync("audit")).Output);
            Assert.Contains("Took over from relayd", (await relay.Cli.RunLineAsync("events --last 100")).Output, StringComparison.Ordinal);
        }
        finally
        {
            next.Kill();
            await next.WaitForExitAsync(CancellationToken.None);
        }
    }

    [GeneratedRegex(@"^A new process is started \.\.\.\nProcess (\d+) serves, relayd \S+\. Changes and what needs the database waited \d+\.\d s\.\n1 client moved to it; nothing came or went for \d+ ms\.\nThe old process has no clients left, and ends\.\n$")]
    private static partial Regex Said();
}
