using System.Diagnostics;
using System.Text;
using Microsoft.Extensions.Primitives;

namespace Relay.Transport.Engine;

/// <summary>
/// Reads the head of an HTTP/1 request, by the strict reading of RFC 9112. It keeps where things are and no bytes: whoever asks
/// hands over the bytes that were parsed. One object serves any number of connections, one after another.
/// </summary>
internal sealed class RequestHead
{
    /// <summary>A longer head is not read. An upgrade with a long chain of proxies and a browser's cookies needs 4 KB.</summary>
    public const int MaxBytes = 8192;

    /// <summary>As many as Kestrel takes.</summary>
    public const int MaxHeaders = 100;

    private readonly HeaderRange[] _headers = new HeaderRange[MaxHeaders];
    private int _count;
    private int _methodLength;
    private int _targetLength;

    private readonly record struct HeaderRange(ushort NameStart, ushort NameLength, ushort ValueStart, ushort ValueLength);

    /// <summary>Bytes of the head with the blank line that ends it; what follows belongs to the connection. 0 unless it is complete.</summary>
    public int Length { get; private set; }

    /// <summary>False: HTTP/1.0.</summary>
    public bool IsHttp11 { get; private set; }

    /// <summary>True when a Content-Length or a Transfer-Encoding says that a body may follow.</summary>
    public bool HasBody { get; private set; }

    /// <summary>Parses a head from its first byte. Only after <see cref="HeadStatus.Complete"/> may anything else be asked.</summary>
    /// <param name="bytes">What has arrived; bytes behind the head are ignored.</param>
    /// <param name="seen">
    /// How many of them an earlier call found incomplete. They are not searched again, so a head that comes byte by byte costs as
    /// much as one that comes at once: each byte is searched once for the end (and up to four again), and the lines are read once,
    /// when the end has come. With 0 the search alone is repeated, 16 to 64 bytes at a step.
    /// </param>
    public HeadStatus Parse(ReadOnlySpan<byte> bytes, int seen = 0)
    {
        Debug.Assert(seen >= 0 && seen <= bytes.Length, "More seen than there is.");
        Length = 0;
        if (bytes.IsEmpty)
        {
            return HeadStatus.Incomplete;
        }

        if (!HeadSyntax.IsTokenByte(bytes[0]))
        {
            return HeadStatus.NotHttp;
        }

        var status = FindEnd(bytes[..Math.Min(bytes.Length, MaxBytes)], seen, out var end);
        if (status == HeadStatus.Complete && (status = ReadLines(bytes[..end])) == HeadStatus.Complete)
        {
            Length = end;
        }

        return status;
    }

    /// <summary>As it stands in the request line; methods are case-sensitive.</summary>
    public ReadOnlySpan<byte> Method(ReadOnlySpan<byte> bytes) => bytes[.._methodLength];

    /// <summary>As it stands in the request line, in whichever form.</summary>
    public ReadOnlySpan<byte> Target(ReadOnlySpan<byte> bytes) => bytes.Slice(_methodLength + 1, _targetLength);

    /// <summary>On how many lines a header comes.</summary>
    public int CountOf(ReadOnlySpan<byte> bytes, ReadOnlySpan<byte> lowerCaseName)
    {
        var count = 0;
        foreach (var header in _headers.AsSpan(0, _count))
        {
            count += IsNamed(bytes, header, lowerCaseName) ? 1 : 0;
        }

        return count;
    }

    /// <summary>The value on the first line of a header, without the blanks around it.</summary>
    public bool TryFind(ReadOnlySpan<byte> bytes, ReadOnlySpan<byte> lowerCaseName, out ReadOnlySpan<byte> value)
    {
        foreach (var header in _headers.AsSpan(0, _count))
        {
            if (IsNamed(bytes, header, lowerCaseName))
            {
                value = Value(bytes, header);
                return true;
            }
        }

        value = default;
        return false;
    }

    /// <summary>True when one of a header's lines, each a list with commas, has this element; case does not count.</summary>
    public bool HasListElement(ReadOnlySpan<byte> bytes, ReadOnlySpan<byte> lowerCaseName, ReadOnlySpan<byte> lowerCaseElement)
    {
        foreach (var header in _headers.AsSpan(0, _count))
        {
            if (IsNamed(bytes, header, lowerCaseName) && HeadSyntax.HasListElement(Value(bytes, header), lowerCaseElement))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>The values of a header as texts, one for each line; bytes above 127 are read as Latin-1.</summary>
    public StringValues Header(ReadOnlySpan<byte> bytes, string name)
    {
        var values = StringValues.Empty;
        foreach (var header in _headers.AsSpan(0, _count))
        {
            if (Ascii.EqualsIgnoreCase(Name(bytes, header), name))
            {
                values = StringValues.Concat(values, Encoding.Latin1.GetString(Value(bytes, header)));
            }
        }

        return values;
    }

    // Complete only says where the head ends: no control character is in it but tabs, and line ends of CR and LF.
    private static HeadStatus FindEnd(ReadOnlySpan<byte> bytes, int seen, out int end)
    {
        end = 0;

        // The blank line may have begun three bytes ago; a line end is searched from its CR.
        var at = Math.Max(0, seen - 3);
        at -= at > 0 && bytes[at] == '\n' ? 1 : 0;
        while (true)
        {
            var step = bytes[at..].IndexOfAny(HeadSyntax.Controls);
            at += step;
            if (step < 0 || at + 1 == bytes.Length)
            {
                return step >= 0 && bytes[at] != '\r' ? HeadStatus.Malformed
                    : bytes.Length == MaxBytes ? HeadStatus.TooLong
                    : HeadStatus.Incomplete;
            }

            if (bytes[at] != '\r' || bytes[at + 1] != '\n')
            {
                return HeadStatus.Malformed;
            }

            at += 2;
            if (bytes[at..].StartsWith("\r\n"u8))
            {
                end = at + 2;
                return HeadStatus.Complete;
            }
        }
    }

    private HeadStatus ReadLines(ReadOnlySpan<byte> head)
    {
        var lineEnd = head.IndexOf((byte)'\r');
        var status = ReadRequestLine(head[..lineEnd]);
        var rules = new HeaderRules(IsHttp11);
        _count = 0;
        for (var at = lineEnd + 2; status == HeadStatus.Complete && head[at] != '\r'; at = lineEnd + 2)
        {
            lineEnd = at + head[at..].IndexOf((byte)'\r');
            status = ReadHeader(head, at, lineEnd, ref rules);
        }

        HasBody = rules.HasBody;
        return status == HeadStatus.Complete && !rules.IsKept ? HeadStatus.Malformed : status;
    }

    private HeadStatus ReadRequestLine(ReadOnlySpan<byte> line)
    {
        _methodLength = line.IndexOfAnyExcept(HeadSyntax.TokenBytes);
        if (_methodLength < 0 || line[_methodLength] != ' ')
        {
            return HeadStatus.Malformed;
        }

        var rest = line[(_methodLength + 1)..];
        _targetLength = rest.IndexOfAnyExcept(HeadSyntax.TargetBytes);
        if (_targetLength <= 0 || rest[_targetLength] != ' ')
        {
            return HeadStatus.Malformed;
        }

        var version = rest[(_targetLength + 1)..];
        IsHttp11 = version.SequenceEqual("HTTP/1.1"u8);
        return IsHttp11 || version.SequenceEqual("HTTP/1.0"u8) ? HeadStatus.Complete
            : HeadSyntax.IsVersion(version) ? HeadStatus.NotHttp
            : HeadStatus.Malformed;
    }

    private HeadStatus ReadHeader(ReadOnlySpan<byte> head, int start, int end, ref HeaderRules rules)
    {
        if (_count == MaxHeaders)
        {
            return HeadStatus.TooLong;
        }

        // A name without a byte is also a continued line: it begins with a blank.
        var nameLength = head[start..end].IndexOfAnyExcept(HeadSyntax.TokenBytes);
        if (nameLength <= 0 || head[start + nameLength] != ':')
        {
            return HeadStatus.Malformed;
        }

        var valueStart = start + nameLength + 1;
        while (valueStart < end && HeadSyntax.IsBlank(head[valueStart]))
        {
            valueStart++;
        }

        while (end > valueStart && HeadSyntax.IsBlank(head[end - 1]))
        {
            end--;
        }

        _headers[_count++] = new HeaderRange((ushort)start, (ushort)nameLength, (ushort)valueStart, (ushort)(end - valueStart));
        return rules.Check(head.Slice(start, nameLength), head[valueStart..end]) ? HeadStatus.Complete : HeadStatus.Malformed;
    }

    private static bool IsNamed(ReadOnlySpan<byte> bytes, HeaderRange header, ReadOnlySpan<byte> name) =>
        Ascii.EqualsIgnoreCase(Name(bytes, header), name);

    private static ReadOnlySpan<byte> Name(ReadOnlySpan<byte> bytes, HeaderRange header) => bytes.Slice(header.NameStart, header.NameLength);

    private static ReadOnlySpan<byte> Value(ReadOnlySpan<byte> bytes, HeaderRange header) => bytes.Slice(header.ValueStart, header.ValueLength);
}
