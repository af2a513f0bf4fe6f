using Relay.Events;

namespace Relay.Addresses;

/// <summary>One of the warnings about the way client addresses are found is raised or cleared.</summary>
/// <param name="Percent">The share of new connections that it is about.</param>
internal sealed record ProxyWarningChanged(ProxyWarnings Warning, bool IsOn, int Percent) : RelayEvent
{
    public override string Kind => IsOn ? "proxy_warning" : "proxy_warning_cleared";

    public override LogLevel Level => IsOn ? LogLevel.Warning : LogLevel.Information;

    public override string Text => Warning switch
    {
        _ when !IsOn => $"Client address detection is normal again ({ProxyMisconfiguration.Names(Warning).Single(name => name.IsOn).Name} cleared)",
        ProxyWarnings.OneAddress => "One address holds most of the sockets and is refused for its limit (relayctl ips shows it): "
            + "the relay probably stands behind a proxy that Admission:TrustedProxies does not list",
        ProxyWarnings.UnlistedProxy => $"{Percent} % of new connections bring a proxy's headers from addresses that are not in Admission:TrustedProxies: "
            + "the relay is probably behind a proxy that is not listed",
        _ => $"{Percent} % of new connections through trusted proxies come without a usable client address: "
            + "the proxy does not send what Listen:ClientAddress expects",
    };
}
