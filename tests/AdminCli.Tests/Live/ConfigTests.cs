using AdminCli.Tests.Support;
using Relay.AdminApi;
using Relay.AdminCli;
using Relay.AdminCli.Commands;

namespace AdminCli.Tests.Live;

public sealed class ConfigTests
{
    [Fact]
    public async Task Show_EachOption_HasItsValueAndSource()
    {
        using var folder = new TempFolder();
        await File.WriteAllTextAsync(folder["relay.json"], """{"Sessions": {"EvictionsPerSecond": 300}, "Admission": {"PerIp": 7}}""", TestContext.Current.CancellationToken);
        await using var relay = await RelayProcess.StartAsync($"--config={folder["relay.json"]}", "--Admission:PerIp=8");

        var all = await relay.Cli.RunLineAsync("config show");
        Assert.Equal((ExitCodes.Ok, ""), (all.ExitCode, all.Error));
        Assert.Matches("(?m)^OPTION +SOURCE +VALUE$", all.Output);
        Assert.Matches($"(?m)^Sessions:EvictionsPerSecond +{folder["relay.json"]} +300$", all.Output);
        Assert.Matches("(?m)^Admission:PerIp +command_line +8$", all.Output);
        Assert.Matches("(?m)^Admission:Per24 +default +off$", all.Output);
        Assert.Matches("(?m)^Sessions:EvictionsPerSecond +\\S+ +yes +200 +300$", (await relay.Cli.RunLineAsync("config show -o wide")).Output);

        var changed = await relay.Cli.RunLineAsync("config show --changed");
        Assert.Contains("Admission:PerIp", changed.Output);
        Assert.DoesNotContain(" default ", changed.Output);
    }

    [Fact]
    public async Task Show_AfterAReload_IsWhatTheRelayRunsWith()
    {
        using var folder = new TempFolder();
        await File.WriteAllTextAsync(folder["relay.json"], """{"Sessions": {"EvictionsPerSecond": 300}}""", TestContext.Current.CancellationToken);
        await using var relay = await RelayProcess.StartAsync($"--config={folder["relay.json"]}");
        await File.WriteAllTextAsync(folder["relay.json"], """{"Sessions": {"QueueBytes": 4321}}""", TestContext.Current.CancellationToken);
        await relay.Cli.RunLineAsync("reload");

        var all = await relay.Cli.RunLineAsync("config show");
        Assert.Matches("(?m)^Sessions:EvictionsPerSecond +default +200$", all.Output);
        // Needs a restart.
        Assert.Matches("(?m)^Sessions:QueueBytes +default +[0-9]+$", all.Output);
        Assert.DoesNotContain(" 4321", all.Output);
    }

    [Fact]
    public void Show_HiddenValue_IsSaidToBeHidden()
    {
        var response = new GetConfigurationResponse { Options = { new ConfiguredOption { Name = "Storage:Connection", Hidden = true, Source = "RELAY_STORAGE__CONNECTION" } } };
        var text = OutputTests.Table(Terminal.None, OutputFormat.Table, output => ConfigCommand.Show(output, response, onlyChanged: true));
        Assert.EndsWith("Storage:Connection   RELAY_STORAGE__CONNECTION   (hidden)\n", text);
        Assert.Equal("Every option has its default.\n", OutputTests.Table(Terminal.None, OutputFormat.Table, output => ConfigCommand.Show(output, new GetConfigurationResponse(), onlyChanged: true)));
    }
}
