using Relay.Benchmarks.Hostile.Honest;

namespace Relay.Benchmarks.Hostile.Attacks;

/// <summary>Strangers send offers to a client on a slow line, more than it can read.</summary>
internal sealed class SlowReceiverFlood : Attack
{
    private const int Sockets = 40;
    private const int Addresses = 4;

    public override string Name => "slow-receiver";

    public override string Summary => "strangers' offers flood a client on a slow line, who must stay, and hear that it is busy";

    public override IEnumerable<HonestScene> Beside(HonestSetting setting, AttackTarget target) => [new SlowScene(setting)];

    public override void Run(AttackTarget target)
    {
        var sockets = target.RegisterMany(Sockets, Addresses);
        var offer = AttackSocket.Frame($$$"""{"type":"offer","target":"{{{target.Honest.Scene<SlowScene>().Code}}}","payload":{"sdp":"{{{new string('x', 60_000)}}}"}}""");
        for (var round = 0; !target.IsOver; round++)
        {
            foreach (var socket in sockets)
            {
                if (socket.IsSent && round % 100 == 0)
                {
                    socket.Queue(offer);
                    target.Count("offers");
                }

                socket.Pump();
                while (socket.TryRead(out var text))
                {
                    if (text.Contains("TARGET_BUSY", StringComparison.Ordinal))
                    {
                        target.Count("told that the target is busy");
                    }
                }
            }

            AttackTarget.Breathe();
        }

        if (target.Counted("told that the target is busy") == 0)
        {
            target.Fault("no sender of an offer that did not fit was told that the target is busy");
        }
    }
}
