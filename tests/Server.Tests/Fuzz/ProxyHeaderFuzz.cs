using System.Buffers;
using Relay.Addresses;
using Relay.Transport;

namespace Server.Tests.Fuzz;

/// <summary>The PROXY header: whole, cut in two anywhere, and any beginning of it must tell one story.</summary>
internal static class ProxyHeaderFuzz
{
    private const string Signature = "\r\n\r\n\0\r\nQUIT\n";

    public static readonly FuzzTarget Target = new(
        "PROXY header",
        Try,
        FuzzTarget.Bytes(
            "PROXY TCP4 198.51.100.1 192.0.2.1 4711 9000\r\nGET / HTTP/1.1\r\n\r\n",
            "PROXY TCP6 2001:db8::1 2001:db8::2 4711 9000\r\n\u0016\u0003\u0001",
            "PROXY TCP6 ::ffff:198.51.100.1 ::1 65535 0\r\n",
            "PROXY UNKNOWN\r\nGET /",
            "PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n",
            $"{Signature}\u0020\0\0\0GET /",
            $"{Signature}\u0021\u0011\0\u000C\u00C6\u0033\u0064\u0001\u00C0\0\u0002\u0001\u0012\u0067\u0023\u0028GET /",
            $"{Signature}\u0021\u0021\0\u0024{new string('\u00FE', 16)}{new string('\u00FD', 16)}\u0012\u0067\u0023\u0028",
            $"{Signature}\u0021\u0011\0\u0014\u00C6\u0033\u0064\u0001\u00C0\0\u0002\u0001\u0012\u0067\u0023\u0028\u0004\0\u0005hello",
            $"{Signature}\u0021\u0031\0\u00D8{new string('\0', 216)}",
            "GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
        FuzzTarget.Bytes("PROXY ", "TCP4", "TCP6", "UNKNOWN", " ", "\r\n", "\n", "\0", "::", ".", "255", "65536", Signature, "\u0021", "\u0020", "\u00FF\u00FF", "\u0010\0"));

    private static string Try(ReadOnlySpan<byte> input, FuzzInputs random)
    {
        // An array of exactly this length: reading past the input would throw.
        var bytes = input.ToArray();
        var status = ProxyHeader.Read(new ReadOnlySequence<byte>(bytes), out var claim, out var length);
        FuzzTarget.Promise(
            status == ProxyHeaderStatus.Complete
                ? length > 0 && length <= Math.Min(bytes.Length, bytes[0] == 'P' ? ProxyHeader.MaxTextBytes : ProxyHeader.MaxBinaryBytes)
                : length == 0 && claim == default,
            $"{status} takes {length} bytes");
        FuzzTarget.Promise(status != ProxyHeaderStatus.Incomplete || bytes.Length < ProxyHeader.MaxBinaryBytes, "there is an end to waiting");

        var cut = Segments.Of(input, random.Below(bytes.Length + 1));
        FuzzTarget.Promise(
            ProxyHeader.Read(cut, out var cutClaim, out var cutLength) == status && cutClaim == claim && cutLength == length,
            "cut in two it reads otherwise");

        // A verdict stays, whatever comes later; a header is complete at its last byte and not before.
        var before = random.Below(bytes.Length + 1);
        var early = ProxyHeader.Read(new ReadOnlySequence<byte>(bytes, 0, before), out _, out var earlyLength);
        FuzzTarget.Promise(
            early == ProxyHeaderStatus.Incomplete || (early == status && earlyLength == length),
            $"{early} after {before} bytes, {status} after {bytes.Length}");
        FuzzTarget.Promise(status != ProxyHeaderStatus.Complete || before < length == (early == ProxyHeaderStatus.Incomplete), "complete too early or too late");

        var peeked = ProxyHeader.Peek(cut);
        FuzzTarget.Promise(
            (peeked == ProxyHeaderStatus.Absent) == (status == ProxyHeaderStatus.Absent)
            && (peeked != ProxyHeaderStatus.Incomplete || status == ProxyHeaderStatus.Incomplete),
            $"peeked {peeked}, read {status}");
        if (status == ProxyHeaderStatus.Complete)
        {
            WriteBack(claim, input[length..]);
        }

        return status == ProxyHeaderStatus.Complete ? $"complete, {claim.Kind}" : $"{status}";
    }

    private static void WriteBack(ProxyClaim claim, ReadOnlySpan<byte> rest)
    {
        foreach (var isText in new[] { true, false })
        {
            if (isText && claim.Kind == ProxyClaimKind.NoAddress)
            {
                continue;
            }

            var header = ProxyHeaderWriter.Write(claim, isText);
            byte[] again = [.. header, .. rest];
            FuzzTarget.Promise(
                ProxyHeader.Read(new ReadOnlySequence<byte>(again), out var claimAgain, out var lengthAgain) == ProxyHeaderStatus.Complete
                && claimAgain == claim
                && again.AsSpan(lengthAgain).SequenceEqual(rest),
                "written again it reads otherwise, or what follows is lost");
        }
    }
}
