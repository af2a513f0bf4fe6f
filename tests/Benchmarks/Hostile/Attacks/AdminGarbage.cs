using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;

namespace Relay.Benchmarks.Hostile.Attacks;

/// <summary>At the operators' network listener, before any authentication: no HTTP/2, half of it, and gRPC calls that are no messages.</summary>
internal sealed class AdminGarbage : Attack
{
    private static readonly byte[][] Openings =
    [
        "GET / HTTP/1.1\r\nHost: a\r\n\r\n"u8.ToArray(),
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8.ToArray(),
        [.. "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0xFF, 0xFF, 0xFF, 9, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF],
        [.. "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8, .. Enumerable.Repeat((byte)0xFF, 5000)],
        [.. "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 4, 1, 4, 0, 0, 0, 1, 0xFF, 0xFF, 0xFF, 0xFF],
        [0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xFC],
        [.. Enumerable.Repeat((byte)0, 3000)],
        [],
    ];

    private static readonly string[] Methods = ["AdminService/GetStats", "PolicyService/ChangePolicy", "ConnectionService/ListConnections", "Nothing/AtAll"];

    private static readonly byte[][] Bodies =
    [
        [0, 0, 0, 0, 3, 0xFF, 0xFF, 0xFF],
        [0, 0xFF, 0xFF, 0xFF, 0xFF, 1],
        [1, 0, 0, 0, 2, 8, 1],
        [0, 0, 0, 0, 4, 0x0A, 0x7F, 1, 2],
        [0],
        [],
    ];

    public override string Name => "admin-garbage";

    public override string Summary => "malformed HTTP/2 and protobuf at the operators' listener, before authentication";

    public override IReadOnlyList<string> Options => [$"--Admin:Listen=127.0.0.1:{RelayUnderLoad.OtherPortMark}", "--Admin:AllowPlaintextLoopback=true"];

    public override void Run(AttackTarget target)
    {
        using var http = new HttpClient { Timeout = TimeSpan.FromSeconds(5) };
        for (var next = 0; !target.IsOver; next++)
        {
            if (target.Connect(target.Address(1 + (next % 100)), port: target.Relay.OtherPort) is { } socket)
            {
                socket.NeverWait();
                socket.Queue(Openings[next % Openings.Length]);
                socket.Pump();
            }

            Call(target, http, Methods[next % Methods.Length], Bodies[next % Bodies.Length]);
        }
    }

    private static void Call(AttackTarget target, HttpClient http, string method, byte[] body)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, $"http://127.0.0.1:{target.Relay.OtherPort}/relay.admin.v1.{method}")
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = new ByteArrayContent(body) { Headers = { ContentType = new MediaTypeHeaderValue("application/grpc") } },
        };
        request.Headers.Add("te", "trailers");
        try
        {
            // There is no synchronous HTTP/2.
            using var response = http.SendAsync(request).GetAwaiter().GetResult();
            response.Content.ReadAsByteArrayAsync().GetAwaiter().GetResult();
            var status = Status(response.Headers) ?? Status(response.TrailingHeaders) ?? "none";
            target.Count($"calls with status {status}");
            if (status is "0" or "2" or "13")
            {
                target.Fault($"a call of {method} without authentication ended with gRPC status {status}");
            }
        }
        catch (Exception exception) when (exception is HttpRequestException or SocketException or OperationCanceledException)
        {
            target.Count("calls that failed");
        }
    }

    private static string? Status(HttpHeaders headers) => headers.TryGetValues("grpc-status", out var values) ? values.First() : null;
}
