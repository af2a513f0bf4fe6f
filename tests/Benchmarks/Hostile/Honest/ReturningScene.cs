using System.Net;

namespace Relay.Benchmarks.Hostile.Honest;

/// <summary>A client that loses its connection again and again, and comes back for its code a moment later.</summary>
internal sealed class ReturningScene(HonestSetting setting) : HonestScene(setting)
{
    private readonly IPAddress _from = setting.NewAddress();

    public string Code { get; } = setting.NewCode();

    protected override TimeSpan Interval => Setting.RoundInterval / 2;

    public override Task StartAsync() => VisitAsync();

    protected override Task PlayRoundAsync(int round) => VisitAsync();

    private async Task VisitAsync()
    {
        await using var client = await HonestClient.RegisterAsync(Setting.Report, Setting.Port, _from, Code);
        await client.SendAsync("""{"type":"ping"}""");
        await client.ExpectAsync("pong");
    }
}
