using System.Globalization;

namespace Relay.Benchmarks.Hostile.Honest;

/// <summary>Two clients meet at a token again and again; and a dead drop whose writer has left is there at the end.</summary>
internal sealed class RendezvousScene(HonestSetting setting) : HonestScene(setting)
{
    private HonestClient _first = null!;
    private HonestClient _second = null!;

    public override async Task StartAsync()
    {
        _first = await JoinAsync();
        _second = await JoinAsync();
        await using var writer = await HonestClient.RegisterAsync(Setting.Report, Setting.Port, Setting.NewAddress(), Setting.NewCode());
        await writer.SendAsync("""{"type":"register_rendezvous","dailyPoints":["honest-point"],"deadDrops":{"honest-point":"letter"}}""");
        await writer.ExpectAsync("rendezvous_result");
    }

    protected override async Task PlayRoundAsync(int round)
    {
        var token = string.Create(CultureInfo.InvariantCulture, $$"""{"type":"register_rendezvous","hourlyTokens":["honest-{{round}}"]}""");
        await _first.SendAsync(token);
        await _first.ExpectAsync("rendezvous_result");
        await _second.SendAsync(token);
        var result = await _second.ExpectAsync("rendezvous_result");
        if (result.GetProperty("liveMatches").GetArrayLength() != 1)
        {
            throw new HonestFault(Harm.Lost, $"{_second.Code} met nobody at its token: {result}");
        }

        await _first.ExpectAsync("rendezvous_match");
    }

    protected override async Task FindAsync()
    {
        await _second.SendAsync("""{"type":"register_rendezvous","dailyPoints":["honest-point"]}""");
        var result = await _second.ExpectAsync("rendezvous_result");
        if (!result.GetProperty("deadDrops").EnumerateArray().Any(drop => drop.GetProperty("deadDrop").GetString() == "letter"))
        {
            throw new HonestFault(Harm.Lost, $"the dead drop of an honest client is gone: {result}");
        }
    }
}
