using System.Diagnostics.CodeAnalysis;
using System.Net;
using Relay.Addresses;

namespace Relay.Transport;

/// <summary>One public listener. Written as "0.0.0.0:9001 ProxyProtocol" or "[::]:9443 Tls": where, and then what differs from plain sockets.</summary>
internal sealed record Listener(IPEndPoint EndPoint, bool UsesTls, ClientAddressRule ClientAddress)
{
    private const string Tls = "Tls";

    public static bool TryParse(string text, [NotNullWhen(true)] out Listener? listener, [NotNullWhen(false)] out string? error)
    {
        listener = null;
        var words = text.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        if (words.Length == 0 || !TryParseEndPoint(words[0], out var endPoint))
        {
            error = $"'{text}' does not begin with an address and a port; write it like 0.0.0.0:9001 or [::]:9001";
            return false;
        }

        var usesTls = words.Length > 1 && words[1].Equals(Tls, StringComparison.OrdinalIgnoreCase);
        var rest = words[(usesTls ? 2 : 1)..];
        var rule = ClientAddressRule.Default;
        error = null;
        if (rest.Length > 1 || (rest.Length == 1 && !ClientAddressRule.TryParse(rest[0], out rule, out error)))
        {
            error ??= $"'{text}' has too many words; after the address may come {Tls} and one of {ClientAddressRule.Words}";
            return false;
        }

        listener = new Listener(endPoint, usesTls, rule);
        return true;
    }

    public override string ToString() => $"{EndPoint}{(UsesTls ? $" {Tls}" : "")} {ClientAddress}";

    // IPEndPoint.TryParse takes an address without a port, and shortened addresses.
    private static bool TryParseEndPoint(string text, [NotNullWhen(true)] out IPEndPoint? endPoint)
    {
        endPoint = null;
        var colon = text.LastIndexOf(':');
        if (colon <= 0 || !IpText.TryParseNumber(text.AsSpan(colon + 1), ushort.MaxValue, out var port))
        {
            return false;
        }

        var host = text.AsSpan(0, colon);
        var isBracketed = host.Length > 2 && host[0] == '[' && host[^1] == ']';
        host = isBracketed ? host[1..^1] : host;
        if (host.Contains(':') != isBracketed || !IpText.TryParse(host, out var address))
        {
            return false;
        }

        endPoint = new IPEndPoint(address.ToAddress(), port);
        return true;
    }
}
