using System.Net;
using System.Text;
using Relay.Addresses;

namespace Server.Tests.Fuzz;

/// <summary>Networks in settings, filters and rules: strict, written back the same, and never two meanings.</summary>
internal static class PrefixFuzz
{
    public static readonly FuzzTarget Target = new(
        "networks",
        Try,
        FuzzTarget.Bytes(
            "10.0.0.0/8", "192.0.2.128/25", "203.0.113.7", "0.0.0.0/0", "255.255.255.255/32", "2001:db8::/32", "::/0", "::1",
            "fe80::1:2:3:4/128", "1:2:3:4:5:6:7:8/127", "64:ff9b::192.0.2.33/128", "::ffff:10.0.0.0/104"),
        FuzzTarget.Bytes("/", ":", "::", ".", "0", "1", "255", "256", "f", "ffff", "%eth0", "[", "]", " ", "-", "+", "0x", "/0", "/32", "/128", "/129", "::ffff:"));

    private static string Try(ReadOnlySpan<byte> input, FuzzInputs random)
    {
        var text = Encoding.Latin1.GetString(input);
        if (!IpPrefix.TryParse(text, out var prefix, out var error))
        {
            FuzzTarget.Promise(prefix == default && error.Length > 0, "refused without a sentence");
            return "refused";
        }

        FuzzTarget.Promise(error is null, "taken with a error");
        var written = prefix.ToString();
        FuzzTarget.Promise(IpPrefix.TryParse(written, out var again, out _) && again == prefix && again.CompareTo(prefix) == 0, $"written as {written} it reads otherwise");
        FuzzTarget.Promise(prefix.Contains(prefix) && prefix.Contains(prefix.Key.ToAddress()), "it does not hold its own first address");
        FuzzTarget.Promise(!prefix.Contains(IpKey.Unresolved), "it holds what has no address");

        // The system's reader must agree, on the text as it was given and on what is inside.
        var network = IPNetwork.Parse(text.Contains('/') ? text : $"{text}/{prefix.Length}");
        FuzzTarget.Promise(IpKey.From(network.BaseAddress) == IpKey.From(prefix.Key.ToAddress()) && network.PrefixLength == prefix.Length, $"the system reads {network}");
        var bytes = network.BaseAddress.GetAddressBytes();
        var bit = random.Below(bytes.Length * 8);
        bytes[bit / 8] ^= (byte)(0x80 >> (bit % 8));
        var near = new IPAddress(bytes);

        // An IPv6 address with an IPv4 one inside counts as that one.
        FuzzTarget.Promise(
            IpKey.From(near).IsIpv6 != prefix.IsIpv6 || prefix.Contains(near) == (bit >= prefix.Length),
            $"bit {bit} of {near} decides wrongly");
        return prefix.IsIpv6 ? "IPv6" : "IPv4";
    }
}
