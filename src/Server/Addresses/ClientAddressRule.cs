using System.Diagnostics.CodeAnalysis;

namespace Relay.Addresses;

/// <summary>
/// How a listener finds whose connection it is. Whatever a peer outside Admission:TrustedProxies says, it is counted by its
/// own address.
/// </summary>
internal enum ClientAddressMode
{
    /// <summary>X-Forwarded-For, walked from the right past trusted hops. Without trusted networks it is never read.</summary>
    XForwardedFor,

    /// <summary>The socket's address, whatever anybody says.</summary>
    Socket,

    /// <summary>The for= of RFC 7239's Forwarded, walked the same way.</summary>
    Forwarded,

    /// <summary>One header with one address, as content delivery networks send it.</summary>
    Header,

    /// <summary>The PROXY protocol's header, version 1 or 2, before TLS and HTTP.</summary>
    ProxyProtocol,
}

/// <summary>A mode and, where it is Header, the header's name. Written as the mode's name, or "Header:CF-Connecting-IP".</summary>
internal sealed record ClientAddressRule(ClientAddressMode Mode, string Header)
{
    public const string Words = "XForwardedFor, Socket, Forwarded, ProxyProtocol or Header:NAME";

    public const string XForwardedFor = "X-Forwarded-For";
    public const string Forwarded = "Forwarded";

    private const string HeaderPrefix = nameof(ClientAddressMode.Header) + ":";

    public static readonly ClientAddressRule Default = Of(ClientAddressMode.XForwardedFor);

    /// <summary>True when a peer's word counts, if it is trusted.</summary>
    public bool NeedsTrust => Mode is ClientAddressMode.Forwarded or ClientAddressMode.Header or ClientAddressMode.ProxyProtocol;

    public static bool TryParse(string text, [NotNullWhen(true)] out ClientAddressRule? rule, [NotNullWhen(false)] out string? error)
    {
        rule = null;
        error = null;
        if (text.StartsWith(HeaderPrefix, StringComparison.OrdinalIgnoreCase))
        {
            var name = text[HeaderPrefix.Length..];
            if (!HttpToken.Is(name))
            {
                error = $"'{name}' is no header's name; write it like Header:CF-Connecting-IP";
            }
            else if (name.Equals(XForwardedFor, StringComparison.OrdinalIgnoreCase) || name.Equals(Forwarded, StringComparison.OrdinalIgnoreCase))
            {
                error = $"{name} holds a list that clients can begin; write {(name.Length == Forwarded.Length ? nameof(ClientAddressMode.Forwarded) : nameof(ClientAddressMode.XForwardedFor))}";
            }
            else
            {
                rule = new ClientAddressRule(ClientAddressMode.Header, name);
            }
        }
        else if (Enum.GetValues<ClientAddressMode>().Where(mode => mode != ClientAddressMode.Header)
            .FirstOrDefault(mode => mode.ToString().Equals(text, StringComparison.OrdinalIgnoreCase), ClientAddressMode.Header) is not ClientAddressMode.Header and var known)
        {
            rule = Of(known);
        }
        else
        {
            error = $"'{text}' is no way to find an address; there are {Words}";
        }

        return rule is not null;
    }

    public override string ToString() => Mode == ClientAddressMode.Header ? HeaderPrefix + Header : Mode.ToString();

    private static ClientAddressRule Of(ClientAddressMode mode) => new(mode, mode switch
    {
        ClientAddressMode.XForwardedFor => XForwardedFor,
        ClientAddressMode.Forwarded => Forwarded,
        _ => "",
    });

    // RFC 9110 section 5.6.2.
}
