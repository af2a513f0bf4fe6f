using System.Net;

namespace Relay.Benchmarks.Hostile.Honest;

/// <summary>A client whose connection has died without a word, so that the relay still holds its code for it, and that connects anew.</summary>
internal sealed class DeadConnectionScene(HonestSetting setting) : HonestScene(setting)
{
    private readonly IPAddress _from = setting.NewAddress();

    protected override TimeSpan Interval => Setting.RoundInterval * 2;

    public override Task StartAsync() => Task.CompletedTask;

    protected override async Task PlayRoundAsync(int round)
    {
        var code = Setting.NewCode();
        using var dead = AttackSocket.TryConnect(_from, Setting.Port);
        if (dead?.TryUpgrade() != true)
        {
            throw new HonestFault(Harm.Refused, $"{_from} could not connect");
        }

        dead.Queue($$"""{"type":"register","pairingCode":"{{code}}","publicKey":"{{HonestClient.Key}}"}""");
        dead.Pump();

        // From here on it reads nothing, so no ping is answered.
        await using var client = await HonestClient.RegisterAsync(Setting.Report, Setting.Port, _from, code);
    }
}
