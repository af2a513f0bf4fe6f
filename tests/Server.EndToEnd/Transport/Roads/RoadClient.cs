using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.RegularExpressions;

namespace Relay.EndToEnd.Transport.Roads;

/// <summary>Sends a stream and tells what came back and how it ended, without what differs from one server or moment to another.</summary>
internal static partial class RoadClient
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    // What of an answer has the time, or which road it took, in it.
    private static readonly string[] Ignored = ["date", "retry-after"];

    /// <summary>One line for each thing that came: the answer's head and body, each frame, the end.</summary>
    public static async Task<List<string>> RunAsync(int port, RoadStream stream, string code)
    {
        using var cancel = new CancellationTokenSource(Patience);
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        socket.Bind(new IPEndPoint(IPAddress.Parse(stream.From), 0));
        await socket.ConnectAsync(IPAddress.Loopback, port, cancel.Token);
        var reader = new Reader(socket, cancel.Token);
        var lines = new List<string>();
        try
        {
            var sending = SendAsync(socket, stream, code, cancel.Token);
            await ReadAsync(reader, sending, stream, lines);
            await sending;
            End(socket);
            var rest = await reader.ToEndAsync();

            // More than one answer comes where a request is no upgrade: what follows it is taken for the next.
            lines.Add(rest.Length > 0 && lines[0].StartsWith("101", StringComparison.Ordinal) ? $"and then {Convert.ToHexString(rest)}" : reader.IsReset && stream.IsOrderly && lines[0] == "101" ? "a reset" : "the end");
        }
        catch (OperationCanceledException)
        {
            lines.Add("and no end");
        }

        return lines;
    }

    private static async Task ReadAsync(Reader reader, Task sending, RoadStream stream, List<string> lines)
    {
        var head = await reader.HeadAsync();
        var status = head.Split(' ') is [_, var number, ..] ? number : "nothing";
        lines.Add(status);
        if (status != "101")
        {
            if (status != "nothing")
            {
                lines.AddRange(Headers(head));
                lines.Add(Encoding.Latin1.GetString(await reader.TakeAsync(BodyLength(head, stream))));
            }

            return;
        }

        lines.AddRange(Headers(head));
        while (await reader.FrameAsync() is { } frame)
        {
            lines.Add(Describe(frame));
            if ((frame.First & 0x0F) == 8)
            {
                await sending;
                return;
            }
        }
    }

    private static int BodyLength(string head, RoadStream stream) =>
        !Encoding.Latin1.GetString(stream.Head).Contains("HEAD ", StringComparison.Ordinal) && ContentLength().Match(head) is { Success: true } length
            ? int.Parse(length.Groups[1].Value, System.Globalization.CultureInfo.InvariantCulture)
            : 0;

    private static IEnumerable<string> Headers(string head) => head.Split("\r\n")[1..]
        .Where(line => line.Length > 0 && !Ignored.Contains(line.Split(':')[0].ToLowerInvariant()))
        .Order(StringComparer.OrdinalIgnoreCase);

    private static string Describe((int First, byte[] Payload) frame)
    {
        var text = Encoding.Latin1.GetString(frame.Payload);
        return (frame.First & 0x0F) == 1
            ? $"{frame.First:X2} {Identity().Replace(Moment().Replace(text, "moment"), "identity")}"
            : $"{frame.First:X2} {Convert.ToHexString(frame.Payload)}";
    }

    private static async Task SendAsync(Socket socket, RoadStream stream, string code, CancellationToken cancel)
    {
        ReadOnlyMemory<byte> bytes = stream.Bytes(code);
        try
        {
            for (var next = 0; !bytes.IsEmpty; next++)
            {
                var piece = bytes[..Math.Min(stream.Cuts[next % stream.Cuts.Length], bytes.Length)];
                bytes = bytes[piece.Length..];
                while (!piece.IsEmpty)
                {
                    piece = piece[await socket.SendAsync(piece, cancel)..];
                }

                await Task.Yield();
            }
        }
        catch (SocketException)
        {
            // The server has ended it before all was sent, which the reader sees.
        }
    }

    private static void End(Socket socket)
    {
        try
        {
            socket.Shutdown(SocketShutdown.Send);
        }
        catch (SocketException)
        {
            // The server was first to end it.
        }
    }

    [GeneratedRegex(@"Content-Length: (\d+)", RegexOptions.IgnoreCase)]
    private static partial Regex ContentLength();

    [GeneratedRegex(@"\b\d{13}\b|\d{4}-\d\d-\d\dT[\d:.]+Z")]
    private static partial Regex Moment();

    // The key of a server, its signatures, its nonces.
    [GeneratedRegex("(?<=\"(serverId|public_key|signature|nonce|binding|endpoint)\":\")[^\"]*")]
    private static partial Regex Identity();

    /// <summary>What comes, piece by piece.</summary>
    private sealed class Reader(Socket socket, CancellationToken cancel)
    {
        private readonly List<byte> _bytes = [];
        private readonly byte[] _buffer = new byte[16 * 1024];

        public bool IsReset { get; private set; }

        public async Task<string> HeadAsync()
        {
            int end;
            while ((end = CollectionsMarshal.AsSpan(_bytes).IndexOf("\r\n\r\n"u8)) < 0)
            {
                if (!await MoreAsync())
                {
                    return "";
                }
            }

            return Encoding.Latin1.GetString(await TakeAsync(end + 4));
        }

        public async Task<(int First, byte[] Payload)?> FrameAsync()
        {
            if (await TakeAsync(2) is not [var first, var length])
            {
                return null;
            }

            var longer = await TakeAsync(length switch { 126 => 2, 127 => 8, _ => 0 });
            return (first, await TakeAsync(longer.Length == 0 ? length : longer.Aggregate(0, (all, next) => (all << 8) | next)));
        }

        public async Task<byte[]> TakeAsync(int count)
        {
            while (_bytes.Count < count && await MoreAsync())
            {
            }

            var taken = _bytes.GetRange(0, Math.Min(count, _bytes.Count));
            _bytes.RemoveRange(0, taken.Count);
            return [.. taken];
        }

        public async Task<byte[]> ToEndAsync()
        {
            while (await MoreAsync())
            {
            }

            return [.. _bytes];
        }

        private async Task<bool> MoreAsync()
        {
            try
            {
                var read = await socket.ReceiveAsync(_buffer, cancel);
                _bytes.AddRange(_buffer.AsSpan(0, read));
                return read > 0;
            }
            catch (SocketException)
            {
                IsReset = true;
                return false;
            }
        }
    }
}
