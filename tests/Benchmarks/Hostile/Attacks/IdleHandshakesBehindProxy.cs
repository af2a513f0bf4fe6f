using System.Net;
using System.Text;
using Relay.Benchmarks.Hostile.Honest;

namespace Relay.Benchmarks.Hostile.Attacks;

/// <summary>The same behind a proxy that says who its clients are: one of them sends no request after the proxy's header.</summary>
internal sealed class IdleHandshakesBehindProxy : Attack
{
    public override string Name => "idle-handshakes-proxy";

    public override string Summary => "the same behind a PROXY listener";

    public override IReadOnlyList<string> Options => [$"--Listen:More=127.0.0.1:{RelayUnderLoad.OtherPortMark} ProxyProtocol", "--Admission:TrustedProxies=127.0.0.1"];

    public override IEnumerable<HonestScene> Beside(HonestSetting setting, AttackTarget target) =>
    [
        new VisitorScene(setting, IPAddress.Loopback, setting.Relay.OtherPort, Header("203.0.113.7")),
        new VisitorScene(setting, IPAddress.Loopback, setting.Relay.OtherPort, Header("203.0.113.9")),
    ];

    public override void Run(AttackTarget target)
    {
        while (!target.IsOver)
        {
            if (target.Connect(IPAddress.Loopback, port: target.Relay.OtherPort) is { } socket)
            {
                socket.NeverWait();
                socket.Queue(Encoding.ASCII.GetBytes(Header("203.0.113.7") + "GET / HT"));
                socket.Pump();
            }

            AttackTarget.Breathe();
        }
    }

    private static string Header(string client) => $"PROXY TCP4 {client} 192.0.2.1 4711 9000\r\n";
}
