using System.Buffers;
using System.Text.Encodings.Web;

namespace Relay.Protocol;

/// <summary>
/// Escapes what JSON asks for and nothing else: quotes, backslashes and control characters below a space (RFC 8259 section 7). The
/// encoders of the framework escape more, up to six bytes for one, by which a client's text would grow on its way to others.
/// </summary>
internal sealed class MinimalJsonEncoder : JavaScriptEncoder
{
    public static readonly MinimalJsonEncoder Instance = new();

    private const string Controls =
        "\0\u0001\u0002\u0003\u0004\u0005\u0006\u0007\b\t\n\u000b\f\r\u000e\u000f\u0010\u0011\u0012\u0013\u0014\u0015\u0016\u0017\u0018\u0019\u001a\u001b\u001c\u001d\u001e\u001f";

    private static readonly SearchValues<char> Escaped = SearchValues.Create($"{Controls}\"\\");
    private static readonly SearchValues<byte> EscapedBytes = SearchValues.Create(System.Text.Encoding.ASCII.GetBytes($"{Controls}\"\\"));

    private MinimalJsonEncoder()
    {
    }

    /// <summary>Bytes of the text as a JSON string, quotes included.</summary>
    public static int LengthOf(string text)
    {
        var length = 2 + System.Text.Encoding.UTF8.GetByteCount(text);
        for (var rest = text.AsSpan(); rest.IndexOfAny(Escaped) is >= 0 and var place; rest = rest[(place + 1)..])
        {
            length += rest[place] is '"' or '\\' or '\b' or '\t' or '\n' or '\f' or '\r' ? 1 : 5;
        }

        return length;
    }

    /// <summary>As \u001f.</summary>
    public override int MaxOutputCharactersPerInputCharacter => 6;

    public override bool WillEncode(int unicodeScalar) => unicodeScalar is < ' ' or '"' or '\\';

    /// <summary>Half a surrogate pair is found too: whoever calls puts U+FFFD in its place.</summary>
    public override unsafe int FindFirstCharacterToEncode(char* text, int textLength)
    {
        var span = new ReadOnlySpan<char>(text, textLength);
        var escaped = span.IndexOfAny(Escaped);
        var checkedPart = escaped < 0 ? span : span[..escaped];
        for (var next = 0; checkedPart[next..].IndexOfAnyInRange('\ud800', '\udfff') is >= 0 and var surrogate; next += surrogate + 2)
        {
            var place = next + surrogate;
            if (!char.IsHighSurrogate(span[place]) || place + 1 >= checkedPart.Length || !char.IsLowSurrogate(span[place + 1]))
            {
                return place;
            }
        }

        return escaped;
    }

    public override int FindFirstCharacterToEncodeUtf8(ReadOnlySpan<byte> utf8Text)
    {
        var escaped = utf8Text.IndexOfAny(EscapedBytes);
        var checkedPart = escaped < 0 ? utf8Text : utf8Text[..escaped];
        return System.Text.Unicode.Utf8.IsValid(checkedPart) ? escaped : base.FindFirstCharacterToEncodeUtf8(utf8Text);
    }

    public override unsafe bool TryEncodeUnicodeScalar(int unicodeScalar, char* buffer, int bufferLength, out int numberOfCharactersWritten)
    {
        var target = new Span<char>(buffer, bufferLength);
        var letter = unicodeScalar switch
        {
            '"' or '\\' => (char)unicodeScalar,
            '\b' => 'b',
            '\t' => 't',
            '\n' => 'n',
            '\f' => 'f',
            '\r' => 'r',
            _ => '\0',
        };
        if (letter != '\0')
        {
            numberOfCharactersWritten = bufferLength >= 2 ? 2 : 0;
            if (bufferLength >= 2)
            {
                (target[0], target[1]) = ('\\', letter);
            }

            return bufferLength >= 2;
        }

        if (unicodeScalar < ' ')
        {
            return target.TryWrite($"\\u{unicodeScalar:x4}", out numberOfCharactersWritten);
        }

        // Only asked for what stands in place of broken text.
        return new System.Text.Rune(unicodeScalar).TryEncodeToUtf16(target, out numberOfCharactersWritten);
    }
}
