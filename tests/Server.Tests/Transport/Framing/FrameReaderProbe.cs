using System.Text;
using Relay.Transport.Framing;

namespace Server.Tests.Transport.Framing;

/// <summary>A reader on the server's end whose events come as readable lines.</summary>
internal sealed class FrameReaderProbe(int limit)
{
    private FrameReader _reader = new(FrameRole.Server, limit);

    public int HeldBytes => _reader.HeldBytes;

    public bool IsMidMessage => _reader.IsMidMessage;

    /// <summary>What is found in these pieces, which arrive one after another.</summary>
    public List<string> Feed(params byte[][] pieces)
    {
        var lines = new List<string>();
        foreach (var piece in pieces)
        {
            var rest = piece.ToArray().AsSpan();
            while (true)
            {
                var found = _reader.Read(rest, out var consumed);
                rest = rest[consumed..];
                if (found.Kind == FrameEventKind.None)
                {
                    Assert.True(rest.IsEmpty);
                    break;
                }

                lines.Add(found.Kind switch
                {
                    FrameEventKind.Error => $"Error {found.Error} {found.CloseCode}",
                    FrameEventKind.Close => $"Close {found.CloseCode} {Encoding.UTF8.GetString(found.Payload)}",
                    FrameEventKind.Binary => $"Binary {Encoding.Latin1.GetString(found.Payload)}",
                    _ => $"{found.Kind} {Encoding.UTF8.GetString(found.Payload)}",
                });
            }
        }

        return lines;
    }
}
