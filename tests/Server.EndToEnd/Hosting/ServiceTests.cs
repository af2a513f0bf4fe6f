using System.Text.Json;
using Relay.EndToEnd.Support;

namespace Relay.EndToEnd.Hosting;

/// <summary>relayd as a service: where its files are, what systemd is told, what is logged.</summary>
[Trait("Programs", "Started")]
public sealed class ServiceTests : IDisposable
{
    private static readonly string[] Started = ["--Listen:Address=127.0.0.1", "--Listen:Port=0", "--Admin:Socket=admin.sock"];

    private readonly string _folder = Directory.CreateTempSubdirectory("relay-service-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Files_OfAService_LieInItsStateDirectory()
    {
        var state = Path.Combine(_folder, "state", "relay");
        await using var relay = await RelayProcess.StartWithVariablesAsync(
            new Dictionary<string, string> { ["STATE_DIRECTORY"] = state }, "--Admin:Socket=admin.sock");

        Assert.Contains($"data in {state},", relay.Output, StringComparison.Ordinal);
        Assert.Equal(
            (true, true, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute),
            (File.Exists(Path.Combine(state, "server.key")), File.Exists(Path.Combine(state, "audit.jsonl")), File.GetUnixFileMode(state)));
    }

    [Fact]
    public async Task Start_StateOfAnEarlierVersionBeside_IsRefusedWithWhatToDo()
    {
        Directory.CreateDirectory(Path.Combine(_folder, "data"));
        await File.WriteAllTextAsync(Path.Combine(_folder, "data", "server.key"), "key", TestContext.Current.CancellationToken);

        var end = await RelayProcess.RunInAsync(_folder, Started, ("STATE_DIRECTORY", Path.Combine(_folder, "state")));

        Assert.Equal(
            (1, $"relayd: cannot start: {_folder}/data holds the key and the state of an earlier version, and the data folder {_folder}/state none: move its files there, or set Data:Folder={_folder}/data"),
            end);
    }

    [Fact]
    public async Task Start_FolderThatCannotBeMade_IsRefusedWithWhatToDo()
    {
        var end = await RelayProcess.RunAsync([.. Started, "--Data:Folder=/proc/relay"]);

        Assert.Equal(1, end.ExitCode);
        Assert.StartsWith("relayd: cannot start: the data folder /proc/relay cannot be made (", end.Output, StringComparison.Ordinal);
        Assert.EndsWith("); set Data:Folder to one that this user may write to", end.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Check_NoHome_SaysWhatToSet()
    {
        Assert.SkipUnless(await RelayProcess.CanRunAsNobodyAsync(), "SKIPPED: only root can become another user, who has to be able to read this checkout.");

        var end = await RelayProcess.RunAsNobodyAsync(["--check-config"], ("STATE_DIRECTORY", ""), ("XDG_STATE_HOME", ""), ("HOME", ""));

        Assert.Equal(2, end.ExitCode);
        Assert.Contains("Data:Folder: this user has no home folder, so it has to be set", end.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Systemd_IsToldOfStartStatusHangUpAndStop()
    {
        using var systemd = new NotifySocket(_folder);
        await using var relay = await RelayProcess.StartWithVariablesAsync(systemd.Variables);
        await systemd.ReceivedAsync("READY=1");
        await systemd.ReceivedAsync("STATUS=ready, 0 of 10,000 clients");
        await systemd.ReceivedAsync("WATCHDOG=1");

        await relay.SignalAsync("HUP");
        await Eventually.TrueAsync(() => relay.Output.Contains("Reloaded: nothing has changed, by relayd (SIGHUP)", StringComparison.Ordinal), "SIGHUP is logged");
        await using (await RawWebSocket.OpenAsync(relay.Port))
        {
            await systemd.ReceivedAsync("STATUS=ready, 1 of 10,000 clients");
        }

        Assert.DoesNotContain("STOPPING=1", systemd.Received);
        await relay.SignalAsync("TERM");
        Assert.Equal(0, await relay.ExitAsync());
        await systemd.ReceivedAsync("STOPPING=1");
    }

    [Fact]
    public async Task Log_Json_IsNothingButJson()
    {
        await using var relay = await RelayProcess.StartAsync("--Log:Format=Json");
        await relay.SignalAsync("TERM");
        Assert.Equal(0, await relay.ExitAsync());

        Assert.All(relay.Output.Split('\n'), line => JsonDocument.Parse(line).Dispose());
    }

    [Fact]
    public async Task Log_Systemd_BeginsWithThePriority()
    {
        await using var relay = await RelayProcess.StartAsync("--Log:Format=Systemd");

        Assert.All(relay.Output.Split('\n'), line => Assert.Matches("^<[0-7]>", line));
    }

    [Fact]
    public async Task Variables_OfAKubernetesService_AreIgnored()
    {
        var end = await RelayProcess.RunAsync(
            ["--check-config"], ("RELAY_SERVICE_HOST", "10.0.0.1"), ("RELAY_SERVICE_PORT", "9000"), ("RELAY_PORT", "tcp://10.0.0.1:9000"), ("RELAY_PORT_9000_TCP_ADDR", "10.0.0.1"));
        var typed = await RelayProcess.RunAsync(["--check-config", "--Port=9000"]);

        Assert.Equal(((0, "Configuration OK"), 2), (end, typed.ExitCode));
    }
}
