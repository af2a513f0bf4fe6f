using System.Text;

namespace Relay.Benchmarks.Hostile.Attacks;

/// <summary>Upgrades in HTTP/1.0, upgrades without Upgrade, and requests that are followed by an end: each is answered.</summary>
internal sealed class OldHttp : Attack
{
    private static readonly (string Request, bool IsLast, string Status)[] Requests =
    [
        (RelayUnderLoad.UpgradeRequest.Replace("HTTP/1.1", "HTTP/1.0", StringComparison.Ordinal), false, "426"),
        (RelayUnderLoad.UpgradeRequest.Replace("HTTP/1.1", "HTTP/1.0", StringComparison.Ordinal), true, "426"),
        ("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", false, "426"),
        ("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", true, "426"),
        ("GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n", true, "200"),
        ("GET /health HTTP/1.0\r\n\r\n", true, "200"),
        ("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\n", true, "405"),
        (RelayUnderLoad.UpgradeRequest, true, "101"),
    ];

    public override string Name => "old-http";

    public override string Summary => "upgrades in HTTP/1.0, without Upgrade, and requests followed by FIN";

    public override void Run(AttackTarget target)
    {
        for (var next = 0; !target.IsOver; next = (next + 1) % Requests.Length)
        {
            var (request, isLast, expected) = Requests[next];
            using var socket = target.Connect(target.Address(1 + (int)(target.Counted("requests") % 100)));
            target.Count("requests");
            if (socket?.Ask(Encoding.ASCII.GetBytes(request), isLast) is { } answer && !answer.StartsWith($"HTTP/1.1 {expected} ", StringComparison.Ordinal))
            {
                target.Fault($"'{request.Split('\r')[0]}'{(isLast ? " with FIN" : "")} got '{answer}' instead of {expected}");
            }
        }
    }
}
