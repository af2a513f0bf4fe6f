using System.Text;

namespace Relay.Benchmarks.Hostile.Attacks;

/// <summary>Requests with bytes in their headers that some parsers choke on; each must get an answer that says what is wrong.</summary>
internal sealed class BadHeaders : Attack
{
    private const string Upgrade = "Host: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n";

    private static readonly (string Request, string Status)[] Requests =
    [
        ($"GET / HTTP/1.1\r\n{Upgrade}Sec-WebSocket-Protocol: \u007f\r\n\r\n", "400"),
        ($"GET / HTTP/1.1\r\n{Upgrade}Sec-WebSocket-Protocol: a b\r\n\r\n", "400"),
        ($"GET / HTTP/1.1\r\n{Upgrade}Sec-WebSocket-Protocol: \u00e4\r\n\r\n", "400"),
        ($"GET / HTTP/1.1\r\n{Upgrade}Sec-WebSocket-Protocol: {new string(',', 4000)}\r\n\r\n", ""),
        ($"GET / HTTP/1.1\r\n{Upgrade}X-Name: Andr\u00e9 \u00ff\u0080\r\n\r\n", "101"),
        ($"GET / HTTP/1.1\r\n{Upgrade}X-Forwarded-For: \u00e9\u00e9\r\n\r\n", "101"),
        ("GET /health HTTP/1.1\r\nHost: localhost\r\nX-Name: Andr\u00e9\r\n\r\n", "200"),
        ("GET /h\u00e9alth HTTP/1.1\r\nHost: localhost\r\n\r\n", ""),
        ("GET /%ff%00 HTTP/1.1\r\nHost: localhost\r\n\r\n", ""),
        ($"GET / HTTP/1.1\r\n{Upgrade}Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n", "400"),
        ($"GET / HTTP/1.1\r\n{Upgrade.Replace("AA==", "\u00e9A==", StringComparison.Ordinal)}\r\n", "400"),
        ("GET / HTTP/1.1\r\nHost: [::1\r\n\r\n", "400"),
        ("GET http://[ HTTP/1.1\r\nHost: localhost\r\n\r\n", ""),
        ("\u00ffET / HTTP/1.1\r\nHost: localhost\r\n\r\n", ""),
    ];

    public override string Name => "bad-headers";

    public override string Summary => "requests with DEL, Latin-1 and lone quotes in their headers";

    public override void Run(AttackTarget target)
    {
        for (var next = 0; !target.IsOver; next = (next + 1) % Requests.Length)
        {
            var (request, expected) = Requests[next];
            if (target.Connect(target.Address(1 + (int)(target.Counted("requests") % 100))) is not { } socket)
            {
                continue;
            }

            using (socket)
            {
                target.Count("requests");
                var answer = socket.Ask(Encoding.Latin1.GetBytes(request));
                var status = answer.Split(' ') is [_, var code, ..] ? code : "";
                target.Count(status.Length == 0 ? "without an answer" : $"answered {status}");
                if (expected.Length > 0 ? status != expected : status.StartsWith('5'))
                {
                    target.Fault($"'{request.Split("\r\n")[^3]}' got '{answer}' instead of {expected}");
                }
            }
        }
    }
}
