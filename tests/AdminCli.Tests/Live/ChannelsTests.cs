using System.Text.Json;
using AdminCli.Tests.Support;
using Relay.AdminCli;

namespace AdminCli.Tests.Live;

public sealed class ChannelsTests
{
    [Fact]
    public async Task Channels_None_IsASentenceInATableAndAnEmptyListInJson()
    {
        await using var relay = await RelayProcess.StartAsync();
        var table = await relay.Cli.RunAsync("channels");
        Assert.Equal((ExitCodes.Ok, "No channels.\n", ""), (table.ExitCode, table.Output, table.Error));
        Assert.Equal("No channel matches.\n", (await relay.Cli.RunLineAsync("channels --state live")).Output);
        var json = await relay.Cli.RunAsync("channels", "-o", "json");
        Assert.Equal("""{"channels":[],"totalSize":0}""", string.Concat(json.Output.Where(c => !char.IsWhiteSpace(c))));
    }

    [Fact]
    public async Task Channels_Several_AreListedFilteredAndCounted()
    {
        await using var relay = await RelayProcess.StartAsync();
        var owner = await relay.OpenAsync();
        await owner.AskAsync("""{"type":"channel-owner-register","channelId":"news"}""", "channel-owner-registered");
        await owner.AskAsync("""{"type":"channel-owner-register","channelId":"\u001b[2J[red]\nfake___row"}""", "channel-owner-registered");
        await owner.AskAsync("""{"type":"stream-start","streamId":"s","channelId":"news","title":"t"}""", "stream-started");
        var subscriber = await relay.OpenAsync();
        await subscriber.AskAsync("""{"type":"channel-subscribe","channelId":"news"}""", "channel-subscribed");
        await subscriber.AskAsync("""{"type":"channel-subscribe","channelId":"orphan"}""", "channel-subscribed");
        await subscriber.AskAsync("""{"type":"upstream-message","channelId":"orphan","message":"m","ephemeralPublicKey":"k"}""", "upstream-ack");

        var result = await relay.Cli.RunAsync("channels");
        Assert.Matches(@"^CHANNEL +OWNER +STREAM +SUBSCRIBERS +WAITING +FRAMES +DROPPED +CREATED$", result.OutputLines[0]);
        Assert.Matches(@"^news +yes +live +1 +0 +0 +0 +(\d+m)?\d+s$", result.OutputLines[1]);
        Assert.Matches(@"^orphan +no +- +1 +1 +0 +0 +(\d+m)?\d+s$", result.OutputLines[2]);
        Assert.Matches(@"^\[2J\[red\]fake___row +yes +- +0 +0 +0 +0 +(\d+m)?\d+s$", result.OutputLines[3]);
        Assert.Equal(4, result.OutputLines.Length);
        Assert.DoesNotContain('\e', result.Output);

        Assert.Equal(["news"], await IdsAsync("--state live"));
        Assert.Equal(["orphan"], await IdsAsync("--state ownerless"));
        Assert.Equal(["orphan"], await IdsAsync("--prefix orp"));
        Assert.Equal(["news", "\e[2J[red]\nfake___row"], await IdsAsync("--state owned"));
        Assert.Equal("orphan", (await IdsAsync("--sort waiting"))[0]);
        Assert.Matches(@"\nchannels +3   owned 2   live 1   subscriptions 2   frames 0   dropped 0\nupstream +waiting 1, ", (await relay.Cli.RunAsync("stats")).Output);

        async Task<string[]> IdsAsync(string options)
        {
            var listed = await relay.Cli.RunLineAsync($"channels {options} -o json");
            using var json = JsonDocument.Parse(listed.Output);
            return [.. json.RootElement.GetProperty("channels").EnumerateArray().Select(row => row.GetProperty("channelId").GetString()!)];
        }
    }
}
