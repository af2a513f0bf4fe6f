using System.Buffers;
using System.Text;
using CsCheck;
using Relay.Addresses;
using Relay.Transport;
using Server.Tests.Fuzz;

namespace Server.Tests.Listening;

public sealed class ProxyHeaderTests
{
    private const string Signature = "0D0A0D0A000D0A515549540A";

    [Theory]
    [InlineData("TCP4 198.51.100.1 192.0.2.1 4711 9000", "Client 198.51.100.1")]
    [InlineData("TCP4 255.255.255.255 255.255.255.255 65535 65535", "Client 255.255.255.255")]
    [InlineData("TCP4 198.51.100.1 192.0.2.1 0 0", "Client 198.51.100.1")]
    [InlineData("TCP6 2001:db8::1 2001:db8::2 4711 9000", "Client 2001:db8::1")]
    [InlineData("TCP6 ::ffff:198.51.100.1 ::1 4711 9000", "Client 198.51.100.1")]
    [InlineData("TCP6 ffff:f...f:ffff ffff:f...f:ffff 65535 65535", null)]
    [InlineData("UNKNOWN", "Itself")]
    [InlineData("UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535", "Itself")]
    [InlineData("UNKNOWN any\0thing at all", "Itself")]
    [InlineData("UNKNOWNX", null)]
    [InlineData("unknown", null)]
    [InlineData("", null)]
    [InlineData("TCP4", null)]
    [InlineData("TCP4 198.51.100.1 192.0.2.1 4711", null)]
    [InlineData("TCP4 198.51.100.1 192.0.2.1 4711 9000 ", null)]
    [InlineData("TCP4 198.51.100.1 192.0.2.1 4711 9000 1", null)]
    [InlineData("TCP4  198.51.100.1 192.0.2.1 4711 9000", null)]
    [InlineData("TCP4\t198.51.100.1\t192.0.2.1\t4711\t9000", null)]
    [InlineData("tcp4 198.51.100.1 192.0.2.1 4711 9000", null)]
    [InlineData("TCP4 2001:db8::1 2001:db8::2 4711 9000", null)]
    [InlineData("TCP6 198.51.100.1 192.0.2.1 4711 9000", null)]
    [InlineData("TCP4 198.51.100.1 2001:db8::2 4711 9000", null)]
    [InlineData("TCP4 198.51.100.1 nonsense 4711 9000", null)]
    [InlineData("TCP4 198.51.100.01 192.0.2.1 4711 9000", null)]
    [InlineData("TCP4 198.51.100.1 192.0.2.1 65536 9000", null)]
    [InlineData("TCP4 198.51.100.1 192.0.2.1 04711 9000", null)]
    [InlineData("TCP4 198.51.100.1 192.0.2.1 +4711 9000", null)]
    [InlineData("TCP4 198.51.100.1 192.0.2.1 -1 9000", null)]
    [InlineData("TCP4 198.51.100.1 192.0.2.1 4711 9000\r", null)]
    [InlineData("UDP4 198.51.100.1 192.0.2.1 4711 9000", null)]
    public void Read_TextLine_IsTakenOrMalformed(string line, string? expected)
    {
        var bytes = Encoding.Latin1.GetBytes($"PROXY {line}\r\nGET /");
        var status = ProxyHeader.Read(new ReadOnlySequence<byte>(bytes), out var claim, out var length);

        Assert.Equal(expected is null ? ProxyHeaderStatus.Malformed : ProxyHeaderStatus.Complete, status);
        if (expected is not null)
        {
            Assert.Equal(expected, Show(claim));
            Assert.Equal("GET /", Encoding.Latin1.GetString(bytes.AsSpan(length)));
        }
    }

    [Theory]
    // LOCAL: whatever follows is passed over.
    [InlineData("20 00 0000", "Itself")]
    [InlineData("20 11 000C C6336401 C0000201 1267 2328", "Itself")]
    [InlineData("20 FF 0003 AABBCC", "Itself")]
    // PROXY with each family.
    [InlineData("21 11 000C C6336401 C0000201 1267 2328", "Client 198.51.100.1")]
    [InlineData("21 12 000C C6336401 C0000201 1267 2328", "Client 198.51.100.1")]
    [InlineData("21 21 0024 20010DB8000000000000000000000001 20010DB8000000000000000000000002 1267 2328", "Client 2001:db8::1")]
    [InlineData("21 21 0024 00000000000000000000FFFFC6336401 00000000000000000000FFFFC0000201 1267 2328", "Client 198.51.100.1")]
    [InlineData("21 00 0000", "Itself")]
    [InlineData("21 00 0004 01020304", "Itself")]
    // Extensions after the addresses.
    [InlineData("21 11 0011 C6336401 C0000201 1267 2328 0400026869", "Client 198.51.100.1")]
    // Broken.
    [InlineData("11 11 000C C6336401 C0000201 1267 2328", null)]
    [InlineData("31 11 000C C6336401 C0000201 1267 2328", null)]
    [InlineData("22 11 000C C6336401 C0000201 1267 2328", null)]
    [InlineData("2F 00 0000", null)]
    [InlineData("21 11 000B C6336401 C0000201 1267 23", null)]
    [InlineData("21 21 0023 20010DB8000000000000000000000001 20010DB8000000000000000000000002 1267 23", null)]
    [InlineData("21 31 0004 01020304", null)]
    [InlineData("21 10 000C C6336401 C0000201 1267 2328", null)]
    [InlineData("21 13 000C C6336401 C0000201 1267 2328", null)]
    [InlineData("21 41 000C C6336401 C0000201 1267 2328", null)]
    [InlineData("21 11 FFFF C6336401 C0000201 1267 2328", null)]
    [InlineData("20 00 0FF1", null)]
    public void Read_Binary_IsTakenOrMalformed(string hex, string? expected)
    {
        byte[] bytes = [.. Convert.FromHexString(Signature + hex.Replace(" ", "", StringComparison.Ordinal)), 0x16, 0x03];
        var status = ProxyHeader.Read(new ReadOnlySequence<byte>(bytes), out var claim, out var length);

        Assert.Equal(expected is null ? ProxyHeaderStatus.Malformed : ProxyHeaderStatus.Complete, status);
        if (expected is not null)
        {
            Assert.Equal(expected, Show(claim));
            Assert.Equal([0x16, 0x03], bytes.AsSpan(length).ToArray());
        }
    }

    [Fact]
    public void Read_UnixSocketsClient_HasNoAddress()
    {
        byte[] bytes = [.. Convert.FromHexString(Signature + "213100D8"), .. new byte[216]];

        Assert.Equal(ProxyHeaderStatus.Complete, ProxyHeader.Read(new ReadOnlySequence<byte>(bytes), out var claim, out var length));
        Assert.Equal((ProxyClaimKind.NoAddress, 232), (claim.Kind, length));
    }

    [Theory]
    [InlineData("GET / HTTP/1.1\r\n")]
    [InlineData("POST / HTTP/1.1\r\n")]
    [InlineData("PRI * HTTP/2.0\r\n")]
    [InlineData("PROXYX")]
    [InlineData("\r\nGET /")]
    [InlineData("\u0016\u0003\u0001")]
    [InlineData("\r\n\r\n\0\r\nQUIZ")]
    public void Read_SomethingElse_IsAbsentFromItsFirstDifferingByte(string text)
    {
        var bytes = new ReadOnlySequence<byte>(Encoding.Latin1.GetBytes(text));

        Assert.Equal(ProxyHeaderStatus.Absent, ProxyHeader.Read(bytes, out _, out _));
        Assert.Equal(ProxyHeaderStatus.Absent, ProxyHeader.Peek(bytes));
    }

    [Fact]
    public void Read_TextWithoutAnEnd_IsMalformedAtItsBound()
    {
        var line = Encoding.Latin1.GetBytes("PROXY UNKNOWN " + new string('x', 200));

        Assert.Equal(ProxyHeaderStatus.Incomplete, ProxyHeader.Read(new ReadOnlySequence<byte>(line, 0, 106), out _, out _));
        Assert.Equal(ProxyHeaderStatus.Malformed, ProxyHeader.Read(new ReadOnlySequence<byte>(line, 0, 107), out _, out _));
    }

    [Theory]
    [InlineData("PROXY TCP4 198.51.100.1 192.0.2.1 4711 9000\r\n")]
    [InlineData("PROXY UNKNOWN\r\n")]
    [InlineData("\r\n\r\n\0\r\nQUIT\n\u0021\u0011\0\u0014\u00C6\u0033\u0064\u0001\u00C0\0\u0002\u0001\u0012\u0067\u0023\u0028\u0004\0\u0005hello")]
    public void Read_ByteByByteInAnySegments_IsCompleteAtItsLastByteOnly(string header)
    {
        var bytes = Encoding.Latin1.GetBytes(header + "GET / HTTP/1.1\r\n\r\n");
        for (var available = 0; available <= bytes.Length; available++)
        {
            for (var cut = 0; cut <= available; cut++)
            {
                var status = ProxyHeader.Read(Segments.Of(bytes.AsSpan(0, available), cut), out _, out var length);
                Assert.Equal(available < header.Length ? ProxyHeaderStatus.Incomplete : ProxyHeaderStatus.Complete, status);
                Assert.Equal(available < header.Length ? 0 : header.Length, length);
            }
        }
    }

    [Fact]
    public void Read_AnyClaimWritten_IsReadBack() =>
        Gen.Select(Gen.Byte.Array[4], Gen.Byte.Array[16], Gen.Bool, Gen.Bool, Gen.Byte.Array[0, 300]).Sample((four, sixteen, isIpv6, isText, rest) =>
        {
            var source = IpKey.From(new System.Net.IPAddress(isIpv6 ? sixteen : four));
            var header = ProxyHeaderWriter.Write(new ProxyClaim(ProxyClaimKind.Client, source), isText);
            byte[] bytes = [.. header, .. rest];
            return ProxyHeader.Read(new ReadOnlySequence<byte>(bytes), out var claim, out var length) == ProxyHeaderStatus.Complete
                && claim.Source == source && length == header.Length;
        });

    private static string Show(ProxyClaim claim) => claim.Kind == ProxyClaimKind.Client ? $"Client {claim.Source}" : $"{claim.Kind}";
}
