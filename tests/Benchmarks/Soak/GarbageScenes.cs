using System.Net.Sockets;
using System.Net.WebSockets;
using System.Text;

namespace Relay.Benchmarks.Soak;

/// <summary>What no client should send.</summary>
internal static class GarbageScenes
{
    private static readonly string[] Messages =
    [
        "", "{", "null", "[]", "7", "\"text\"", "{}", """{"type":7}""", """{"type":"no such type"}""", """{"type":"register"}""",
        """{"type":"register","pairingCode":"abc","publicKey":""}""", """{"type":"register","peerId":"no spaces please"}""",
        """{"type":"pair_request","targetCode":"ABCDEF"}""", """{"type":"offer","target":"ABCDEF","payload":1}""",
        """{"type":"channel-subscribe","channelId":""}""", """{"type":"stream-end","streamId":"s","channelId":"c"}""",
        """{"type":"chunk_push","chunkId":"c","channelId":"c","data":1}""", """{"type":"register_rendezvous","dailyPoints":7}""",
        """{"type":"update_load","peerId":"p","connectedCount":"many"}""", """{"type":"attest_response","nonce":"n","responses":[]}""",
    ];

    private static readonly string[] Requests =
    [
        "GET / HTTP/1.1\r\nHost: localhost\r\nUpgra", "\r\n\r\n\r\n", "GET //[ HTTP/1.1\r\nHost: ]\r\n\r\n", "\u0016\u0003\u0001",
        "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n", "GET /stats?x HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", "POST / HTTP/1.1\r\n\r\n",
    ];

    public static Task SendAsync(SoakTraffic traffic) => traffic.Chance(50) ? SendMessagesAsync(traffic) : SendRequestAsync(traffic);

    private static async Task SendMessagesAsync(SoakTraffic traffic)
    {
        if (await SoakClient.ConnectAsync(traffic) is not { } client)
        {
            return;
        }

        await using (client)
        {
            for (var messages = 1 + traffic.Next(30); messages > 0; messages--)
            {
                await client.SendAsync(Messages[traffic.Next(Messages.Length)]);
            }

            if (traffic.Chance(20))
            {
                await SendTooMuchAsync(client);
            }
        }
    }

    // One byte more than a message may have. The relay may cut before it has all of it.
    private static async Task SendTooMuchAsync(SoakClient client)
    {
        try
        {
            await client.SendAsync(new string('x', 262_145));
        }
        catch (Exception exception) when (exception is WebSocketException or IOException)
        {
            return;
        }

        await client.DrainAsync();
    }

    private static async Task SendRequestAsync(SoakTraffic traffic)
    {
        using var socket = await SoakClient.DialAsync(traffic);
        await socket.SendAsync(Encoding.Latin1.GetBytes(Requests[traffic.Next(Requests.Length)]));
        if (traffic.Chance(50))
        {
            await ReadALittleAsync(socket);
        }

        if (traffic.Chance(50))
        {
            socket.LingerState = new LingerOption(enable: true, seconds: 0);
        }
    }

    private static async Task ReadALittleAsync(Socket socket)
    {
        using var cancel = new CancellationTokenSource(TimeSpan.FromMilliseconds(200));
        try
        {
            await socket.ReceiveAsync(new byte[1024], cancel.Token);
        }
        catch (Exception exception) when (exception is OperationCanceledException or SocketException)
        {
            // No answer is an answer to half a request, and a reset is one to nonsense.
        }
    }
}
