using System.Net;
using Microsoft.Extensions.Primitives;

namespace Relay.Addresses;

/// <summary>
/// Finds whose connection it is. A peer outside the trusted networks is the client itself, whatever it sends. A trusted one
/// is asked in the listener's way; where its answer is no address the connection is unresolved, because to count it as
/// the proxy's would put every client behind that proxy into one bucket.
/// </summary>
internal sealed class ClientAddressResolver(TrustedProxies proxies)
{
    // More hops than any real chain of proxies has; the rest of a longer list is not read.
    private const int MaxHops = 32;

    private const string NotUsable = "is not a usable IP address";

    /// <summary>The answer, without allocating.</summary>
    public ResolvedClient Resolve(ClientAddressRule rule, IpKey peer, HeaderLookup headers, in ProxyClaim claim) =>
        Walk(rule, peer, headers, claim, steps: null);

    /// <summary>The same walk, telling its steps.</summary>
    public ResolvedClient Trace(
        ClientAddressRule rule, IPAddress socket, HeaderLookup headers, in ProxyClaim claim, ICollection<ResolutionStep> steps) =>
        Walk(rule, IpKey.From(socket), headers, claim, steps);

    /// <summary>True when the peer of a connection is its client, whatever comes over it.</summary>
    public bool IsClient(ClientAddressRule rule, IpKey peer) => rule.Mode == ClientAddressMode.Socket || !proxies.TryFind(peer, out _);

    private ResolvedClient Walk(
        ClientAddressRule rule, IpKey peer, HeaderLookup headers, in ProxyClaim claim, ICollection<ResolutionStep>? steps)
    {
        if (rule.Mode == ClientAddressMode.Socket)
        {
            steps?.Add(Step("socket", peer, "is the client: this listener does not expect proxies"));
            return new ResolvedClient(peer, peer, ClientAddressSource.Socket);
        }

        if (!proxies.TryFind(peer, out var network))
        {
            var isClaiming = ClaimsToSpeakForOthers(rule, headers);
            steps?.Add(Step("socket", peer, isClaiming
                ? "is the client: not in Admission:TrustedProxies, so its headers are ignored"
                : "is the client: not in Admission:TrustedProxies"));
            return new ResolvedClient(peer, peer, isClaiming ? ClientAddressSource.UnlistedProxy : ClientAddressSource.Socket);
        }

        steps?.Add(Step("socket", peer, Trusted(network, rule.Mode == ClientAddressMode.ProxyProtocol ? "the PROXY header" : rule.Header)));
        return rule.Mode switch
        {
            ClientAddressMode.ProxyProtocol => FromClaim(peer, claim, steps),
            ClientAddressMode.Header => FromHeader(rule.Header, peer, headers(rule.Header), steps),
            _ => FromList(rule, peer, headers(rule.Header), steps),
        };
    }

    private static bool ClaimsToSpeakForOthers(ClientAddressRule rule, HeaderLookup headers) =>
        headers(ClientAddressRule.XForwardedFor).Count > 0
        || headers(ClientAddressRule.Forwarded).Count > 0
        || (rule.Mode == ClientAddressMode.Header && headers(rule.Header).Count > 0);

    private static ResolvedClient FromClaim(IpKey peer, in ProxyClaim claim, ICollection<ResolutionStep>? steps)
    {
        switch (claim.Kind)
        {
            case ProxyClaimKind.Client:
                steps?.Add(Step("PROXY header", claim.Source, "is the client"));
                return new ResolvedClient(claim.Source, peer, ClientAddressSource.ProxyProtocol);
            case ProxyClaimKind.Itself:
                steps?.Add(new ResolutionStep("PROXY header", "LOCAL or UNKNOWN", "means that the proxy connects for itself: counted by its own address"));
                return new ResolvedClient(peer, peer, ClientAddressSource.ProxyItself);
            default:
                return Unresolved("PROXY header", "no IP address", "was sent", peer, steps);
        }
    }

    private static ResolvedClient FromHeader(string name, IpKey peer, StringValues lines, ICollection<ResolutionStep>? steps)
    {
        // Two values are the sign of a proxy that adds to the header instead of replacing it: then a client chose one of them.
        if (lines.Count != 1 || !ForwardedHops.TryReadAddress(lines[0].AsSpan().Trim(" \t"), out var address))
        {
            return Unresolved(name, steps is null ? "" : lines.ToString(), lines.Count > 1 ? "is ambiguous" : NotUsable, peer, steps);
        }

        steps?.Add(Step(name, address, "is the client"));
        return new ResolvedClient(address, peer, ClientAddressSource.Header);
    }

    private ResolvedClient FromList(ClientAddressRule rule, IpKey peer, StringValues lines, ICollection<ResolutionStep>? steps)
    {
        var leftmost = IpKey.Unresolved;
        var hops = 0;
        for (var line = lines.Count - 1; line >= 0; line--)
        {
            var rest = lines[line].AsSpan();
            for (var isFirst = false; !isFirst; hops++)
            {
                if (hops == MaxHops)
                {
                    return Unresolved(rule.Header, $"more than {MaxHops} trusted hops", "are not read", peer, steps);
                }

                var text = ForwardedHops.TakeLast(rule.Mode, rest, out rest, out isFirst);
                if (!ForwardedHops.TryRead(rule.Mode, text, out var hop))
                {
                    return Unresolved(Position(rule.Header, hops, steps), steps is null ? "" : text.ToString(), NotUsable, peer, steps);
                }

                if (!proxies.TryFind(hop, out var network))
                {
                    steps?.Add(Step(Position(rule.Header, hops, steps), hop, "is the client: the first address from the right that is not a trusted proxy"));
                    return new ResolvedClient(hop, peer, ClientAddressSource.Header);
                }

                steps?.Add(Step(Position(rule.Header, hops, steps), hop, Trusted(network, "the address before it")));
                leftmost = hop;
            }
        }

        if (leftmost.IsUnresolved)
        {
            return Unresolved(rule.Header, "", NotUsable, peer, steps);
        }

        steps?.Add(Step(rule.Header, leftmost, "is the client: all hops are trusted proxies, and this is the first of them"));
        return new ResolvedClient(leftmost, peer, ClientAddressSource.Header);
    }

    private static ResolvedClient Unresolved(string where, string found, string reason, IpKey peer, ICollection<ResolutionStep>? steps)
    {
        var (text, verdict) = found.Length == 0 ? ("nothing", "was sent") : (found, reason);
        steps?.Add(new ResolutionStep(where, text, $"{verdict}: the client's address is unresolved"));
        return new ResolvedClient(IpKey.Unresolved, peer, ClientAddressSource.Unresolved);
    }

    private static ResolutionStep Step(string where, IpKey found, string verdict) => new(where, found.ToAddress().ToString(), verdict);

    private static string Trusted(IpPrefix network, string next) => $"is a trusted proxy (matches {network}), reading {next}";

    // "X-Forwarded-For, 2nd from the right"; only people need it.
    private static string Position(string header, int hops, ICollection<ResolutionStep>? steps) => steps is null ? "" : $"{header}, {Ordinal(hops + 1)} from the right";

    private static string Ordinal(int number) => number switch
    {
        _ when number % 100 is 11 or 12 or 13 => $"{number}th",
        _ when number % 10 == 1 => $"{number}st",
        _ when number % 10 == 2 => $"{number}nd",
        _ when number % 10 == 3 => $"{number}rd",
        _ => $"{number}th",
    };
}
