using System.Text.Json;
using CsCheck;
using Google.Protobuf.WellKnownTypes;
using Relay.AdminApi;
using Relay.AdminCli;

namespace AdminCli.Tests;

public sealed class MessageJsonTests
{
    [Fact]
    public void Of_AnyNumber_IsANumberWhereverItStands() => Gen.Long.Sample(number =>
    {
        var stats = new Stats { Refused = new Refusals { TotalLimit = number, ByReason = { ["banned"] = number } } };
        var list = new ListIpsResponse { TotalSize = number, Ips = { new IpEntry { Key = "a", Refused = number }, new IpEntry() } };
        using var json = JsonDocument.Parse(MessageJson.Of(stats).ToJsonString());
        using var listed = JsonDocument.Parse(MessageJson.Of(list).ToJsonString());
        var refused = json.RootElement.GetProperty("refused");
        return refused.GetProperty("totalLimit").GetInt64() == number
            && refused.GetProperty("byReason").GetProperty("banned").GetInt64() == number
            && listed.RootElement.GetProperty("totalSize").GetInt64() == number
            && listed.RootElement.GetProperty("ips")[0].GetProperty("refused").GetInt64() == number
            && listed.RootElement.GetProperty("ips")[1].GetProperty("refused").GetInt64() == 0;
    });

    [Fact]
    public void Of_TimesAndDurations_AreTexts()
    {
        var json = MessageJson.Of(new Stats { Time = new Timestamp { Seconds = 1_777_593_610 }, Uptime = new Duration { Seconds = 1, Nanos = 500_000_000 } });
        Assert.Equal(("2026-05-01T00:00:10Z", "1.500s"), ((string?)json["time"], (string?)json["uptime"]));
    }

    [Fact]
    public void Of_DigitsInATextField_StayText() => Assert.Equal("7", (string?)MessageJson.Of(new Peer { ServerId = "7" })["serverId"]);
}
