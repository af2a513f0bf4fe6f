using System.Text;

namespace Server.Tests.Fuzz;

/// <summary>RFC 6455 sections 5 to 7, read off the text: a whole stream at once, byte by byte, with no thought of speed.</summary>
internal static class SlowFrameDecoder
{
    /// <summary>What a receiver finds in <paramref name="stream"/>, one line each, and whether it ends within a frame or message.</summary>
    public static (List<string> Events, bool IsMidMessage) Decode(byte[] stream, bool fromClient, int limit)
    {
        var events = new List<string>();
        var message = new List<byte>();
        var kind = 0;
        var at = 0;
        while (at < stream.Length)
        {
            int first = stream[at++];
            var opcode = first % 16;
            var isFinal = first >= 128;
            if (first % 128 / 16 != 0
                || !new[] { 0, 1, 2, 8, 9, 10 }.Contains(opcode)
                || (opcode >= 8 && !isFinal)
                || (opcode == 0 && kind == 0)
                || (opcode is 1 or 2 && kind != 0))
            {
                return Failed(1002);
            }

            if (at == stream.Length)
            {
                return (events, true);
            }

            int second = stream[at++];
            UInt128 length = (UInt128)(second % 128);
            if (second >= 128 != fromClient || (opcode >= 8 && length > 125))
            {
                return Failed(1002);
            }

            var extra = length == 126 ? 2 : length == 127 ? 8 : 0;
            if (at + extra > stream.Length)
            {
                return (events, true);
            }

            if (extra > 0)
            {
                length = 0;
                for (var i = 0; i < extra; i++)
                {
                    length = (length * 256) + stream[at++];
                }

                if (length < (UInt128)(extra == 2 ? 126 : 65536) || length >= UInt128.One << 63)
                {
                    return Failed(1002);
                }
            }

            if (opcode < 8 && (UInt128)message.Count + length > (UInt128)limit)
            {
                return Failed(1009);
            }

            var key = new byte[4];
            if (fromClient)
            {
                if (at + 4 > stream.Length)
                {
                    return (events, true);
                }

                key = stream[at..(at + 4)];
                at += 4;
            }

            var payload = new List<byte>();
            while (payload.Count < (int)length && at < stream.Length)
            {
                payload.Add((byte)(stream[at++] ^ key[payload.Count % 4]));
            }

            var isWhole = payload.Count == (int)length;
            if (opcode < 8)
            {
                kind = opcode == 0 ? kind : opcode;
                message.AddRange(payload);
                if (kind == 1 && !IsUtf8([.. message], mayBeCut: !isWhole || !isFinal))
                {
                    return Failed(1007);
                }

                if (isWhole && isFinal)
                {
                    events.Add($"{(kind == 1 ? "Text" : "Binary")} {Convert.ToHexString([.. message])}");
                    message.Clear();
                    kind = 0;
                }
            }

            if (!isWhole)
            {
                return (events, true);
            }

            if (opcode is 9 or 10)
            {
                events.Add($"{(opcode == 9 ? "Ping" : "Pong")} {Convert.ToHexString([.. payload])}");
            }

            if (opcode == 8)
            {
                if (payload.Count == 0)
                {
                    events.Add("Close 1005 ");
                    return (events, false);
                }

                if (payload.Count == 1)
                {
                    return Failed(1002);
                }

                var code = (payload[0] * 256) + payload[1];
                if (code < 1000 || code is 1004 or 1005 or 1006 || (code > 1014 && code < 3000) || code > 4999)
                {
                    return Failed(1002);
                }

                byte[] reason = [.. payload.Skip(2)];
                if (!IsUtf8(reason, mayBeCut: false))
                {
                    return Failed(1007);
                }

                events.Add($"Close {code} {Convert.ToHexString(reason)}");
                return (events, false);
            }
        }

        return (events, kind != 0);

        (List<string>, bool) Failed(int code)
        {
            events.Add($"Error {code}");
            return (events, false);
        }
    }

    /// <summary>One character after another, by the framework's decoder of single characters.</summary>
    public static bool IsUtf8(ReadOnlySpan<byte> bytes, bool mayBeCut)
    {
        while (!bytes.IsEmpty)
        {
            var status = Rune.DecodeFromUtf8(bytes, out _, out var length);
            if (status == System.Buffers.OperationStatus.NeedMoreData)
            {
                return mayBeCut;
            }

            if (status != System.Buffers.OperationStatus.Done)
            {
                return false;
            }

            bytes = bytes[length..];
        }

        return true;
    }
}
