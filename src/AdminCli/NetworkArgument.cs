using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using System.Net;

namespace Relay.AdminCli;

/// <summary>A network or address on the command line, checked before any call.</summary>
internal static class NetworkArgument
{
    public static Argument<string> Create(string description = "A network, such as 203.0.113.0/24 or 2001:db8::/32, or one address.") =>
        new("network") { Description = description, CustomParser = argument => Read(argument, Check) };

    /// <summary>One address, and no network.</summary>
    public static Argument<string> Address(string description) => new("address")
    {
        Description = description,
        CustomParser = static argument => Read(argument, static text => !IsAddress(text, out _)
            ? $"'{Printable.Clean(text)}' is not an IP address; write it like 203.0.113.7 or 2001:db8::1."
            : null),
    };

    /// <summary>--cidr, for a command that shows or does something to the addresses inside it.</summary>
    public static Option<string?> Filter(string description = "Only addresses inside this network, such as 203.0.113.0/24 or 2001:db8::/32, or one address.") =>
        new("--cidr") { Description = description, HelpName = "network", CustomParser = static argument => Read(argument, Check) };

    /// <summary>Null, or what is wrong with it.</summary>
    public static string? Check(string text)
    {
        var slash = text.IndexOf('/');
        var start = slash < 0 ? text : text[..slash];

        var isAddress = IsAddress(start, out var address);
        var bits = address?.GetAddressBytes().Length * 8 ?? 0;
        var length = bits;
        if (!isAddress || (slash >= 0 && !(int.TryParse(text.AsSpan(slash + 1), NumberStyles.None, CultureInfo.InvariantCulture, out length) && length <= bits)))
        {
            return $"'{Printable.Clean(text)}' is not a network or IP address; write it like 203.0.113.0/24, 2001:db8::/32 or 203.0.113.7.";
        }

        var masked = Mask(address!, length);
        return masked.Equals(address) ? null : $"{Printable.Clean(text)} has bits set after the prefix; write {masked}/{length} or {address}.";
    }

    // "10" and "10.1" are addresses to the system and typing errors here.
    private static bool IsAddress(string text, out IPAddress? address) =>
        IPAddress.TryParse(text, out address) && !text.Contains('%') && (text.Contains(':') || text.Count(c => c == '.') == 3);

    private static string Read(ArgumentResult argument, Func<string, string?> check)
    {
        var text = argument.Tokens[0].Value;
        if (check(text) is { } error)
        {
            argument.AddError(error);
        }

        return text;
    }

    private static IPAddress Mask(IPAddress address, int length)
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
