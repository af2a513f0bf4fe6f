using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Microsoft.Extensions.Time.Testing;
using Relay.AdminApi;
using Relay.EndToEnd.Support;

namespace Relay.EndToEnd.Admin;

/// <summary>What a dashboard draws: samples of what the relay did, and marks of what was done to it.</summary>
public sealed class HistoryTests
{
    private static CallOptions Call => new(deadline: DateTime.UtcNow.AddSeconds(60), cancellationToken: TestContext.Current.CancellationToken);

    [Fact]
    public async Task GetHistory_AfterTenSeconds_HasWhatHappenedInThem()
    {
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        await using var server = await RelayServer.StartAsync(settings => (settings.Admission.Total, settings.Admission.PerIp) = (50, 2), time);
        await using var a = await TestClient.RegisterAsync(server.Port, "AAAAAA");
        await using var b = await TestClient.RegisterAsync(server.Port, "BBBBBB");
        for (var i = 0; i < 16; i++)
        {
            await a.SendAsync("""{"type":"offer","target":"BBBBBB","payload":1}""");
            await b.ExpectAsync("offer");
        }

        await using (var refused = await TestClient.ConnectAsync(server.Port, greeted: false))
        {
            Assert.Equal(1013, (await refused.ExpectCloseAsync()).Code);
        }

        Assert.Empty((await GetAsync(server)).Samples);
        time.Advance(TimeSpan.FromSeconds(10));

        Relay.AdminApi.History? history = null;
        await Eventually.TrueAsync(async () => (history = await GetAsync(server)).Samples.Count > 0, "a sample");
        var sample = Assert.Single(history!.Samples);
        Assert.Equal((2, 50, "normal"), (sample.Clients, sample.Limit, sample.Level));
        Assert.Equal((0.2, 1.6), (sample.AdmittedPerSecond, sample.ForwardsPerSecond));
        Assert.Equal(("per_ip_limit", 0.1), Assert.Single(sample.Rejected) is var row ? (row.Reason, row.PerSecond) : default);
        Assert.InRange(sample.ForwardP50.ToTimeSpan(), TimeSpan.Zero, sample.ForwardP99.ToTimeSpan());
        Assert.Equal(time.GetUtcNow(), sample.At.ToDateTimeOffset());
        Assert.Equal(("state_changed", "relayd"), Assert.Single(history.Marks) is var mark ? (mark.Kind, mark.By) : default);
    }

    [Fact]
    public async Task GetHistory_ALimitWasChanged_SaysWhoAndWhy()
    {
        await using var server = await RelayServer.StartAsync();
        await new PolicyAdmin(server.Channel).SetPerIpAsync(40, new ChangeOptions { Reason = "fewer" });
        await new PolicyAdmin(server.Channel).BanAsync("203.0.113.0/24");

        List<HistoryMark> marks = [];
        await Eventually.TrueAsync(
            async () => (marks = [.. (await GetAsync(server)).Marks.Where(mark => mark.By != "relayd")]).Count == 2, "two marks of an operator");
        Assert.Equal(["policy_changed", "policy_changed"], marks.Select(mark => mark.Kind));
        Assert.Equal(["fewer", "a test"], marks.Select(mark => mark.Reason));
        Assert.All(marks, mark => Assert.StartsWith("uid=", mark.By, StringComparison.Ordinal));
        Assert.Contains("per-ip 50 -> 40", marks[0].Text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(59, 0, "span")]
    [InlineData(24 * 60 * 60 + 1, 0, "span")]
    [InlineData(-1, 0, "span")]
    [InlineData(315_576_000_000, 0, "span")]
    [InlineData(60, 9, "max_samples")]
    [InlineData(60, -1, "max_samples")]
    [InlineData(60, 8_641, "max_samples")]
    public async Task GetHistory_OutOfRange_IsInvalid(long seconds, int samples, string field)
    {
        await using var server = await RelayServer.StartAsync();

        var request = new GetHistoryRequest { Span = new Duration { Seconds = seconds }, MaxSamples = samples };
        var error = await Assert.ThrowsAsync<RpcException>(() => Client(server).GetHistoryAsync(request, Call).ResponseAsync);
        Assert.Equal(StatusCode.InvalidArgument, error.StatusCode);
        Assert.StartsWith($"{field}: ", error.Status.Detail, StringComparison.Ordinal);
    }

    private static async Task<Relay.AdminApi.History> GetAsync(RelayServer server) => await Client(server).GetHistoryAsync(new GetHistoryRequest(), Call);

    private static HistoryService.HistoryServiceClient Client(RelayServer server) => new(server.Channel);
}
