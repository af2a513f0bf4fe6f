using System.Text.Json;
using AdminCli.Tests.Support;
using Relay.AdminCli;

namespace AdminCli.Tests.Live;

public sealed class VersionTests(RelayFixture fixture) : IClassFixture<RelayFixture>
{
    [Fact]
    public async Task Version_OfALiveRelay_IsThatOfBoth()
    {
        var result = await fixture.Relay.Cli.RunAsync("version");
        Assert.Equal((ExitCodes.Ok, ""), (result.ExitCode, result.Error));
        Assert.Matches(@"^relayctl   (\d+\.\d+\.\d+\S*)\nrelayd     \1\n$", result.Output);
        using var json = JsonDocument.Parse((await fixture.Relay.Cli.RunAsync("version", "-o", "json")).Output);
        Assert.Equal(json.RootElement.GetProperty("client").GetString(), json.RootElement.GetProperty("server").GetString());
    }

    [Fact]
    public async Task Version_WithoutARelay_IsRelayctlsAndANote()
    {
        var result = await Cli.For("/nowhere/admin.sock").RunAsync("version");
        Assert.Equal(ExitCodes.Ok, result.ExitCode);
        Assert.Matches(@"^relayctl   \d+\.\d+\.\d+\S*\nrelayd     -\n$", result.Output);
        Assert.StartsWith("note: the version of relayd is unknown. Cannot reach the relay at unix:/nowhere/admin.sock: ", result.Error);
        using var json = JsonDocument.Parse((await Cli.For("/nowhere/admin.sock").RunAsync("version", "-o", "json")).Output);
        Assert.Equal(JsonValueKind.Null, json.RootElement.GetProperty("server").ValueKind);
    }

    [Fact]
    public async Task Version_MalformedAddress_IsAUsageError() =>
        Assert.Equal(ExitCodes.Usage, (await Cli.For("foo").RunAsync("version")).ExitCode);
}
