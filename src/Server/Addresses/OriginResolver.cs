using System.Net;
using Microsoft.Extensions.Primitives;

namespace Relay.Addresses;

/// <summary>
/// Finds whose connection it is. A peer outside the trusted networks is the client itself, whatever it sends. A trusted one
/// is asked in the listener's way; where its answer is no address the connection is unattributed, because to count it as
/// the proxy's would put every client behind that proxy into one bucket.
/// </summary>
internal sealed class OriginResolver(TrustedProxies proxies)
{
    // More hops than any real chain of proxies has; the rest of a longer list is not read.
    private const int MaxHops = 32;

    /// <summary>The answer, without allocating.</summary>
    public ClientOrigin Resolve(AttributionRule rule, IPAddress socket, IHeaderDictionary headers, in ProxyClaim claim) =>
        Walk(rule, IpKey.From(socket), headers, claim, steps: null);

    /// <summary>The same walk, telling its steps.</summary>
    public ClientOrigin Trace(
        AttributionRule rule, IPAddress socket, IHeaderDictionary headers, in ProxyClaim claim, ICollection<OriginStep> steps) =>
        Walk(rule, IpKey.From(socket), headers, claim, steps);

    /// <summary>True when the peer of a connection is its client, whatever comes over it.</summary>
    public bool IsClient(AttributionRule rule, IpKey peer) => rule.Mode == AttributionMode.Socket || !proxies.TryFind(peer, out _);

    private ClientOrigin Walk(
        AttributionRule rule, IpKey peer, IHeaderDictionary headers, in ProxyClaim claim, ICollection<OriginStep>? steps)
    {
        if (rule.Mode == AttributionMode.Socket)
        {
            steps?.Add(Step("socket", peer, "the client: this listener counts by the sockets' own addresses"));
            return new ClientOrigin(peer, peer, OriginSource.Socket);
        }

        if (!proxies.TryFind(peer, out var network))
        {
            var isClaiming = ClaimsToSpeakForOthers(rule, headers);
            steps?.Add(Step("socket", peer, isClaiming
                ? "the client: it is not in Admission:TrustedProxies, so the headers that it sent are not read"
                : "the client: it is not in Admission:TrustedProxies"));
            return new ClientOrigin(peer, peer, isClaiming ? OriginSource.UnlistedProxy : OriginSource.Socket);
        }

        steps?.Add(Step("socket", peer, Trusted(network)));
        return rule.Mode switch
        {
            AttributionMode.ProxyProtocol => FromClaim(peer, claim, steps),
            AttributionMode.Header => FromHeader(rule.Header, peer, headers[rule.Header], steps),
            _ => FromList(rule, peer, headers[rule.Header], steps),
        };
    }

    private static bool ClaimsToSpeakForOthers(AttributionRule rule, IHeaderDictionary headers) =>
        headers.ContainsKey(AttributionRule.XForwardedFor)
        || headers.ContainsKey(AttributionRule.Forwarded)
        || (rule.Mode == AttributionMode.Header && headers.ContainsKey(rule.Header));

    private static ClientOrigin FromClaim(IpKey peer, in ProxyClaim claim, ICollection<OriginStep>? steps)
    {
        switch (claim.Kind)
        {
            case ProxyClaimKind.Client:
                steps?.Add(Step("PROXY header", claim.Source, "the client"));
                return new ClientOrigin(claim.Source, peer, OriginSource.ProxyProtocol);
            case ProxyClaimKind.Itself:
                steps?.Add(new OriginStep("PROXY header", "LOCAL or UNKNOWN", "the proxy speaks for itself: its own address counts"));
                return new ClientOrigin(peer, peer, OriginSource.ProxyItself);
            default:
                return Unattributed("PROXY header", "no IP address", peer, steps);
        }
    }

    private static ClientOrigin FromHeader(string name, IpKey peer, StringValues lines, ICollection<OriginStep>? steps)
    {
        // Two values are the sign of a proxy that adds to the header instead of replacing it: then a client chose one of them.
        if (lines.Count != 1 || !ForwardedHops.TryReadAddress(lines[0].AsSpan().Trim(" \t"), out var address))
        {
            return Unattributed(name, steps is null || lines.Count == 0 ? "" : lines.ToString(), peer, steps);
        }

        steps?.Add(Step(name, address, "the client"));
        return new ClientOrigin(address, peer, OriginSource.Header);
    }

    private ClientOrigin FromList(AttributionRule rule, IpKey peer, StringValues lines, ICollection<OriginStep>? steps)
    {
        var leftmost = IpKey.Unattributed;
        var hops = 0;
        for (var line = lines.Count - 1; line >= 0; line--)
        {
            var rest = lines[line].AsSpan();
            for (var isFirst = false; !isFirst; hops++)
            {
                if (hops == MaxHops)
                {
                    return Unattributed(rule.Header, $"more than {MaxHops} trusted hops", peer, steps);
                }

                var text = ForwardedHops.TakeLast(rule.Mode, rest, out rest, out isFirst);
                if (!ForwardedHops.TryRead(rule.Mode, text, out var hop))
                {
                    return Unattributed(rule.Header, steps is null ? "" : text.ToString(), peer, steps);
                }

                if (!proxies.TryFind(hop, out var network))
                {
                    steps?.Add(Step(rule.Header, hop, "the client: it is not in Admission:TrustedProxies; what stands before it is not read"));
                    return new ClientOrigin(hop, peer, OriginSource.Header);
                }

                steps?.Add(Step(rule.Header, hop, Trusted(network)));
                leftmost = hop;
            }
        }

        if (leftmost.IsUnattributed)
        {
            return Unattributed(rule.Header, "", peer, steps);
        }

        steps?.Add(Step(rule.Header, leftmost, "the client: all hops are in trusted networks, and this is the first of them"));
        return new ClientOrigin(leftmost, peer, OriginSource.Header);
    }

    private static ClientOrigin Unattributed(string where, string found, IpKey peer, ICollection<OriginStep>? steps)
    {
        steps?.Add(new OriginStep(where, found.Length == 0 ? "nothing" : found, "no usable address: the client is unattributed"));
        return new ClientOrigin(IpKey.Unattributed, peer, OriginSource.Unattributed);
    }

    private static OriginStep Step(string where, IpKey found, string verdict) => new(where, found.ToAddress().ToString(), verdict);

    private static string Trusted(IpPrefix network) => $"trusted, being in {network}: asked for whom it speaks";
}
