using System.CommandLine;
using System.Globalization;
using System.Net;

namespace Relay.AdminCli;

/// <summary>A network or address on the command line, checked before any call.</summary>
internal static class NetworkArgument
{
    public static Argument<string> Create(string description = "A network, such as 203.0.113.0/24 or 2001:db8::/32, or one address.") => new("network")
    {
        Description = description,
        CustomParser = argument =>
        {
            var text = argument.Tokens[0].Value;
            if (Check(text) is { } error)
            {
                argument.AddError(error);
            }

            return text;
        },
    };

    /// <summary>Null, or what is wrong with it.</summary>
    public static string? Check(string text)
    {
        var slash = text.IndexOf('/');
        var start = slash < 0 ? text : text[..slash];

        // "10" and "10.1" are addresses to the system and mistakes here.
        var isAddress = IPAddress.TryParse(start, out var address) && !start.Contains('%') && (start.Contains(':') || start.Count(c => c == '.') == 3);
        var bits = address?.GetAddressBytes().Length * 8 ?? 0;
        var length = bits;
        if (!isAddress || (slash >= 0 && !(int.TryParse(text.AsSpan(slash + 1), NumberStyles.None, CultureInfo.InvariantCulture, out length) && length <= bits)))
        {
            return $"'{Printable.Clean(text)}' is not a network or IP address; write it like 203.0.113.0/24, 2001:db8::/32 or 203.0.113.7.";
        }

        var cut = Cut(address!, length);
        return cut.Equals(address) ? null : $"{Printable.Clean(text)} has bits set after the prefix; write {cut}/{length} or {address}.";
    }

    private static IPAddress Cut(IPAddress address, int length)
    {
        var bytes = address.GetAddressBytes();
        for (var i = 0; i < bytes.Length; i++)
        {
            var kept = Math.Clamp(length - (i * 8), 0, 8);
            bytes[i] &= (byte)(0xFF << (8 - kept));
        }

        return new IPAddress(bytes);
    }
}
