using System.Net;

namespace Relay.Benchmarks.Hostile.Honest;

/// <summary>Somebody who connects, takes a code, asks something and leaves.</summary>
/// <param name="setting">The others.</param>
/// <param name="from">Where from; null: from a new address each time.</param>
/// <param name="port">Where to; null: to the relay's first port.</param>
/// <param name="preface">What a proxy on the way would send first.</param>
internal sealed class VisitorScene(HonestSetting setting, IPAddress? from = null, int? port = null, string preface = "") : HonestScene(setting)
{
    protected override TimeSpan Interval => Setting.RoundInterval / 4;

    public override Task StartAsync() => Task.CompletedTask;

    protected override async Task PlayRoundAsync(int round)
    {
        await using var visitor = await HonestClient.RegisterAsync(
            Setting.Report, port ?? Setting.Port, from ?? Setting.NewAddress(), Setting.NewCode(), preface);
        await visitor.SendAsync("""{"type":"ping"}""");
        await visitor.ExpectAsync("pong");
    }
}
