using Google.Protobuf;
using Relay.Protocol.Moving;
using Relay.Transport.Framing;

namespace Server.Tests.Fuzz;

/// <summary>Feeds a stream to a <see cref="FrameReader"/> in pieces, as they would come from a socket, and holds it to its promises.</summary>
internal static class FramePieces
{
    /// <summary>
    /// The events, as <see cref="SlowFrameDecoder"/> words them. Each piece is an array of exactly its length: reading past it throws.
    /// </summary>
    /// <param name="nextPiece">How many bytes come next, at least 0 and at most as many as are left, which it is told.</param>
    /// <param name="moves">Whether another reader goes on after a piece, as when a client moves to another process; null: none does.</param>
    public static (List<string> Events, bool IsMidMessage) Read(byte[] stream, FrameRole role, int limit, Func<int, int> nextPiece, Func<bool>? moves = null)
    {
        var events = new List<string>();
        var reader = new FrameReader(role, limit);
        var isOver = false;
        var given = 0;
        for (var at = 0; at < stream.Length;)
        {
            var piece = stream.AsSpan(at, nextPiece(stream.Length - at)).ToArray();
            at += piece.Length;
            var rest = piece.AsMemory();
            while (true)
            {
                var found = reader.Read(rest.Span, out var consumed);
                if (found.Kind == FrameEventKind.None)
                {
                    FuzzTarget.Promise(consumed == rest.Length, "bytes are left over");
                    break;
                }

                FuzzTarget.Promise(!isOver, "something follows the end");
                isOver = found.Kind is FrameEventKind.Close or FrameEventKind.Error;
                FuzzTarget.Promise(IsSame(found.AsMemory(rest).Span, found.Payload), "memory and span are two things");
                FuzzTarget.Promise(!found.IsInPlace || EndsWith(rest.Span[..consumed], found.Payload), "a message in place does not end where reading does");
                events.Add(Line(found));
                given += found.Payload.Length;
                FuzzTarget.Promise(given <= at, $"{given} bytes are given of {at} that came");
                rest = rest[consumed..];
            }

            // Twice what has arrived or the smallest array of the pool, and one for a control frame or a header.
            FuzzTarget.Promise(reader.HeldBytes <= Math.Max(16, 2 * Math.Min(at, limit)) + 128, $"{reader.HeldBytes} bytes are held after {at}");
            FuzzTarget.Promise(reader.IsMidMessage || reader.HeldBytes == 0, "a buffer is held for nothing");
            FuzzTarget.Promise(!isOver || !reader.IsMidMessage, "waits after the end");
            if (!isOver && moves?.Invoke() == true)
            {
                var state = MovedReader.Parser.ParseFrom(reader.Save().ToByteArray());
                reader.Dispose();
                reader = new FrameReader(role, limit);
                reader.Restore(state);
                FuzzTarget.Promise(reader.Save().Equals(state), "what was restored is something else");
            }
        }

        var isMidMessage = reader.IsMidMessage;
        reader.Dispose();
        FuzzTarget.Promise(reader.HeldBytes == 0, "a buffer is lost");
        return (events, isMidMessage);
    }

    private static bool EndsWith(Span<byte> consumed, Span<byte> payload) =>
        consumed.Length >= payload.Length && IsSame(consumed[^payload.Length..], payload);

    // The same bytes in memory, not only equal ones.
    private static bool IsSame(Span<byte> left, Span<byte> right) => left == right || (left.IsEmpty && right.IsEmpty);

    private static string Line(in FrameEvent found) => found.Kind switch
    {
        FrameEventKind.Error => $"Error {found.CloseCode}",
        FrameEventKind.Close => $"Close {found.CloseCode} {Convert.ToHexString(found.Payload)}",
        _ => $"{found.Kind} {Convert.ToHexString(found.Payload)}",
    };
}
