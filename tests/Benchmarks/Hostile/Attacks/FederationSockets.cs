using Relay.Benchmarks.Hostile.Honest;

namespace Relay.Benchmarks.Hostile.Attacks;

/// <summary>Forty addresses of one network hold the places of peer servers that have not authenticated yet.</summary>
internal sealed class FederationSockets : Attack
{
    private const int Addresses = 40;

    public override string Name => "federation-sockets";

    public override string Summary => "forty addresses of one network hold the places of peers that have not authenticated";

    public override IReadOnlyList<string> Options => ["--Federation:Admit=Any"];

    public override IEnumerable<HonestScene> Beside(HonestSetting setting, AttackTarget target) => [new PeerScene(setting)];

    public override void Run(AttackTarget target)
    {
        var sockets = new AttackSocket?[2 * Addresses];
        while (!target.IsOver)
        {
            for (var i = 0; i < sockets.Length && !target.IsOver; i++)
            {
                sockets[i]?.Drain();
                if (sockets[i] is null or { IsClosed: true })
                {
                    sockets[i] = target.Open(target.Address(1 + (i % Addresses)), path: "/federation");
                }
            }

            AttackTarget.Breathe();
        }
    }
}
