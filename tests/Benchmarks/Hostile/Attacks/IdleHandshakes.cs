using Relay.Benchmarks.Hostile.Honest;

namespace Relay.Benchmarks.Hostile.Attacks;

/// <summary>One address opens connections and says nothing, or half of something; an honest client has the same address.</summary>
internal sealed class IdleHandshakes : Attack
{
    private static readonly byte[][] Beginnings =
    [
        [],
        "GET / HTTP/1.1\r\nHost: localhost\r\nUpgra"u8.ToArray(),
        [0x16, 0x03, 0x01, 0x02],
        "PRI * HTTP/2.0\r\n"u8.ToArray(),
    ];

    public override string Name => "idle-handshakes";

    public override string Summary => "connections of one address that say nothing or half of something, an honest client behind the same address";

    public override IEnumerable<HonestScene> Beside(HonestSetting setting, AttackTarget target) => [new VisitorScene(setting, target.Address(1))];

    public override void Run(AttackTarget target)
    {
        while (!target.IsOver)
        {
            if (target.Connect(target.Address(1)) is { } socket)
            {
                socket.NeverWait();
                socket.Queue(Beginnings[(int)(target.Counted("connections") % Beginnings.Length)]);
                socket.Pump();
            }

            AttackTarget.Breathe();
        }
    }
}
