using System.Text;

namespace Relay.Transport.Engine;

/// <summary>
/// The rules on single headers that make two readers of one request see the same request: one Host, one key and version, and
/// one way of telling a body's length.
/// </summary>
internal ref struct HeaderRules(bool isHttp11)
{
    private Once _seen;
    private bool _isChunkedLast;

    [Flags]
    private enum Once
    {
        Host = 1,
        Key = 2,
        Version = 4,
        ContentLength = 8,
        TransferEncoding = 16,
    }

    /// <summary>True when a Content-Length or a Transfer-Encoding says that a body may follow.</summary>
    public readonly bool HasBody => (_seen & (Once.ContentLength | Once.TransferEncoding)) != 0;

    /// <summary>After the last header: is what must be there there, and is nothing contradicted?</summary>
    public readonly bool IsKept
    {
        get
        {
            var hasEncoding = (_seen & Once.TransferEncoding) != 0;
            return (!isHttp11 || (_seen & Once.Host) != 0)
                && (!hasEncoding || (isHttp11 && _isChunkedLast && (_seen & Once.ContentLength) == 0));
        }
    }

    /// <summary>False when no request may have this header, or not once more.</summary>
    public bool Check(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value) => name.Length switch
    {
        4 when Is(name, "host"u8) => IsFirst(Once.Host) && HeadSyntax.IsHost(value),
        14 when Is(name, "content-length"u8) => IsFirst(Once.ContentLength) && HeadSyntax.IsContentLength(value),
        17 when Is(name, "sec-websocket-key"u8) => IsFirst(Once.Key),
        17 when Is(name, "transfer-encoding"u8) => AddEncodings(value),
        21 when Is(name, "sec-websocket-version"u8) => IsFirst(Once.Version),
        _ => true,
    };

    private static bool Is(ReadOnlySpan<byte> name, ReadOnlySpan<byte> lowerCaseName) => Ascii.EqualsIgnoreCase(name, lowerCaseName);

    private bool IsFirst(Once header)
    {
        var isFirst = (_seen & header) == 0;
        _seen |= header;
        return isFirst;
    }

    // Several lines are one list. Only its last element may be "chunked", and must be: else nobody knows where the body ends.
    private bool AddEncodings(ReadOnlySpan<byte> list)
    {
        _seen |= Once.TransferEncoding;
        foreach (var range in list.Split((byte)','))
        {
            if (_isChunkedLast)
            {
                return false;
            }

            _isChunkedLast = Is(list[range].Trim(" \t"u8), "chunked"u8);
        }

        return true;
    }
}
