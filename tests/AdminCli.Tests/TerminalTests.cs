using System.Globalization;
using AdminCli.Tests.Support;
using Relay.AdminCli;

namespace AdminCli.Tests;

public sealed class TerminalTests
{
    [Fact]
    public void WatchScreen_FromStartToEnd_LeavesTheTerminalAsItWas()
    {
        var writer = new StringWriter(CultureInfo.InvariantCulture);
        using (var screen = new WatchScreen(writer, new Terminal(true, true, () => (80, 24))))
        {
            screen.Draw("one\ntwo\n");
            screen.Draw("three\nfour\n");
        }

        Assert.Equal(
            "\e[?1049h\e[?25l\e[?7l" + "\e[H\e[Kone\r\n\e[Jtwo" + "\e[H\e[Kthree\r\n\e[Jfour" + "\e[?7h\e[?25h\e[?1049l" + "three\nfour\n",
            writer.ToString());
    }

    [Fact]
    public void WatchScreen_MoreLinesThanRows_AreCut()
    {
        var writer = new StringWriter(CultureInfo.InvariantCulture);
        using var screen = new WatchScreen(writer, new Terminal(true, true, () => (80, 2)));
        screen.Draw("one\ntwo\nthree\n");
        Assert.EndsWith("\e[H\e[Kone\r\n\e[Jtwo", writer.ToString());
    }

    [Fact]
    public async Task Relayctl_OnARealTerminal_FitsItAndSwitchesNothing()
    {
        Assert.SkipUnless(File.Exists("/usr/bin/script"), "SKIPPED: util-linux `script` is needed for a terminal.");
        var result = await ChildProcess.RunAsync("/usr/bin/script", ["-qec", "stty cols 97 rows 38; relayctl ips --help", "/dev/null"]);
        Assert.Equal(0, result.ExitCode);
        Assert.Contains("Examples:", result.Output);
        Assert.DoesNotContain('\e', result.Output);
        var details = result.Output.Split("\r\n").SkipWhile(line => line != "Details:").TakeWhile(line => line != "Examples:");
        Assert.All(details, line => Assert.True(line.Length <= 97, line));
    }
}
