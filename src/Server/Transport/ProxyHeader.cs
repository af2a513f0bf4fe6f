using System.Buffers;
using System.Buffers.Binary;
using System.Text;
using Relay.Addresses;

namespace Relay.Transport;

/// <summary>How far the bytes of a new connection are a PROXY header.</summary>
internal enum ProxyHeaderStatus
{
    /// <summary>They may become one.</summary>
    Incomplete,

    /// <summary>They begin otherwise: there is no header.</summary>
    Absent,

    /// <summary>They begin as one and break its rules.</summary>
    Malformed,

    Complete,
}

/// <summary>
/// Reads the PROXY protocol's header, version 1 (a line of text) or 2 (binary). A pure function of the first bytes: it keeps
/// nothing, so half a header is simply read again with what came after it.
/// </summary>
internal static class ProxyHeader
{
    /// <summary>Bytes of a version 1 line at most, with its line end: as the protocol says.</summary>
    public const int MaxTextBytes = 107;

    /// <summary>Bytes of a version 2 header at most. The protocol allows 64 KiB of extensions; real ones are some hundred bytes.</summary>
    public const int MaxBinaryBytes = 4096;

    private const int FixedBytes = 16;
    private const int Ipv4Bytes = 12;
    private const int Ipv6Bytes = 36;
    private const int UnixBytes = 216;

    private static ReadOnlySpan<byte> TextStart => "PROXY "u8;

    private static ReadOnlySpan<byte> BinaryStart => [0x0D, 0x0A, 0x0D, 0x0A, 0x00, 0x0D, 0x0A, 0x51, 0x55, 0x49, 0x54, 0x0A];

    /// <summary>
    /// Reads the header at the start of <paramref name="bytes"/>. When it is complete, <paramref name="length"/> is how many
    /// bytes it has; what follows belongs to the connection.
    /// </summary>
    public static ProxyHeaderStatus Read(in ReadOnlySequence<byte> bytes, out ProxyClaim claim, out int length)
    {
        // What is looked at, a whole text line or the fixed part and two IPv6 addresses, fits a copy on the stack.
        Span<byte> copy = stackalloc byte[MaxTextBytes];
        scoped var head = bytes.FirstSpan;
        if (head.Length < copy.Length && !bytes.IsSingleSegment)
        {
            var start = bytes.Slice(0, Math.Min(bytes.Length, copy.Length));
            start.CopyTo(copy);
            head = copy[..(int)start.Length];
        }

        return Begin(head) switch
        {
            (ProxyHeaderStatus.Complete, true) => ReadText(head, out claim, out length),
            (ProxyHeaderStatus.Complete, false) => ReadBinary(head, bytes.Length, out claim, out length),
            var (status, _) => Nothing(status, out claim, out length),
        };
    }

    /// <summary>Whether the bytes begin a header, by their signature alone; Complete as soon as that is whole.</summary>
    public static ProxyHeaderStatus Peek(in ReadOnlySequence<byte> bytes)
    {
        Span<byte> head = stackalloc byte[BinaryStart.Length];
        var start = bytes.Slice(0, Math.Min(bytes.Length, head.Length));
        start.CopyTo(head);
        return Begin(head[..(int)start.Length]).Status;
    }

    private static (ProxyHeaderStatus Status, bool IsText) Begin(ReadOnlySpan<byte> head)
    {
        if (head.IsEmpty)
        {
            return (ProxyHeaderStatus.Incomplete, false);
        }

        var isText = head[0] == TextStart[0];
        var signature = isText ? TextStart : BinaryStart;
        var common = Math.Min(head.Length, signature.Length);
        return !head[..common].SequenceEqual(signature[..common]) ? (ProxyHeaderStatus.Absent, isText)
            : common < signature.Length ? (ProxyHeaderStatus.Incomplete, isText)
            : (ProxyHeaderStatus.Complete, isText);
    }

    private static ProxyHeaderStatus ReadText(ReadOnlySpan<byte> head, out ProxyClaim claim, out int length)
    {
        var line = head[..Math.Min(head.Length, MaxTextBytes)];
        var end = line.IndexOf((byte)'\n');
        if (end < 0)
        {
            return Nothing(line.Length == MaxTextBytes ? ProxyHeaderStatus.Malformed : ProxyHeaderStatus.Incomplete, out claim, out length);
        }

        length = end + 1;
        return line[end - 1] == '\r' && TryReadLine(line[TextStart.Length..(end - 1)], out claim)
            ? ProxyHeaderStatus.Complete
            : Nothing(ProxyHeaderStatus.Malformed, out claim, out length);
    }

    // "TCP4 192.0.2.1 192.0.2.2 4711 443", "TCP6 ...", or "UNKNOWN" and anything.
    private static bool TryReadLine(ReadOnlySpan<byte> line, out ProxyClaim claim)
    {
        claim = new ProxyClaim(ProxyClaimKind.Itself, default);
        if (line.SequenceEqual("UNKNOWN"u8) || line.StartsWith("UNKNOWN "u8))
        {
            return true;
        }

        Span<char> text = stackalloc char[MaxTextBytes];
        if (Ascii.ToUtf16(line, text, out var letters) != OperationStatus.Done)
        {
            return false;
        }

        Span<Range> parts = stackalloc Range[6];
        text = text[..letters];
        if (((ReadOnlySpan<char>)text).Split(parts, ' ') != 5)
        {
            return false;
        }

        var isIpv6 = text[parts[0]] is "TCP6";
        if ((!isIpv6 && text[parts[0]] is not "TCP4")
            || !TryReadAddress(text[parts[1]], isIpv6, out var source)
            || !TryReadAddress(text[parts[2]], isIpv6, out _)
            || !IsPort(text[parts[3]])
            || !IsPort(text[parts[4]]))
        {
            return false;
        }

        claim = new ProxyClaim(ProxyClaimKind.Client, source);
        return true;
    }

    private static bool TryReadAddress(ReadOnlySpan<char> text, bool isIpv6, out IpKey address) =>
        IpText.TryParse(text, out address) && text.Contains(':') == isIpv6;

    private static bool IsPort(ReadOnlySpan<char> text) => IpText.TryParseNumber(text, ushort.MaxValue, out _);

    private static ProxyHeaderStatus ReadBinary(ReadOnlySpan<byte> head, long available, out ProxyClaim claim, out int length)
    {
        // Byte 12: version 2 and command; byte 13: family and transport; bytes 14 and 15: how much follows.
        var isLocal = head.Length > 12 && head[12] == 0x20;
        if ((head.Length > 12 && head[12] is not (0x20 or 0x21))
            || (head.Length > 13 && !isLocal && AddressBytes(head[13]) < 0))
        {
            return Nothing(ProxyHeaderStatus.Malformed, out claim, out length);
        }

        if (head.Length < FixedBytes)
        {
            return Nothing(ProxyHeaderStatus.Incomplete, out claim, out length);
        }

        var following = BinaryPrimitives.ReadUInt16BigEndian(head[14..]);
        length = FixedBytes + following;
        if (length > MaxBinaryBytes || (!isLocal && following < AddressBytes(head[13])))
        {
            return Nothing(ProxyHeaderStatus.Malformed, out claim, out length);
        }

        if (available < length)
        {
            return Nothing(ProxyHeaderStatus.Incomplete, out claim, out length);
        }

        // What follows the addresses are extensions, which say nothing of whose connection it is.
        var body = head[FixedBytes..];
        claim = isLocal ? new ProxyClaim(ProxyClaimKind.Itself, default) : (head[13] >> 4) switch
        {
            1 => new ProxyClaim(ProxyClaimKind.Client, IpKey.FromIpv4(BinaryPrimitives.ReadUInt32BigEndian(body))),
            2 => new ProxyClaim(
                ProxyClaimKind.Client,
                IpKey.FromIpv6(BinaryPrimitives.ReadUInt64BigEndian(body), BinaryPrimitives.ReadUInt64BigEndian(body[8..]))),
            3 => new ProxyClaim(ProxyClaimKind.NoAddress, default),
            _ => new ProxyClaim(ProxyClaimKind.Itself, default),
        };
        return ProxyHeaderStatus.Complete;
    }

    // The least that follows for a family and transport; -1 for those that the protocol does not know.
    private static int AddressBytes(byte family) => family switch
    {
        0x00 => 0,
        0x11 or 0x12 => Ipv4Bytes,
        0x21 or 0x22 => Ipv6Bytes,
        0x31 or 0x32 => UnixBytes,
        _ => -1,
    };

    private static ProxyHeaderStatus Nothing(ProxyHeaderStatus status, out ProxyClaim claim, out int length)
    {
        claim = default;
        length = 0;
        return status;
    }
}
