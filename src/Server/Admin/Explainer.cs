using System.Net;
using Google.Protobuf.WellKnownTypes;
using Relay.Addresses;
using Relay.AdminApi;
using Relay.Admission;
using Relay.Policy;
using Relay.Transport;

namespace Relay.Admin;

/// <summary>
/// How a connection would fare now. Asks the same pieces that decide, in the same order, and takes nothing from any of
/// them.
/// </summary>
internal sealed class Explainer(
    PublicListenerOptions listeners,
    ClientAddressResolver origins,
    ConnectionLedger ledger,
    LimitPolicyStore policies,
    AutoBans automatic,
    AdmissionGate gate,
    OverloadMonitor overload,
    DecisionLog log,
    AdmissionOptions options,
    TimeProvider time)
{
    private const int MaxHeaders = 32;
    private const int MaxDecisions = 100;
    private const int DefaultDecisions = 20;

    public Explanation Explain(ExplainRequest request)
    {
        var (socket, listener, headers, claim) = Read(request);
        var steps = new List<Addresses.ResolutionStep>();
        var address = origins.Trace(listener.ClientAddress, socket, headers, claim, steps).Address;
        var policy = policies.Current;
        var key = address.CutIpv6(policy.Ipv6Prefix);
        var limits = policy.For(address, key, time);
        var live = ledger.LiveOf(key, limits.IsCounted, out var ceiling);
        var (wait, waitTotal) = ledger.RateWaits(key, policy, limits.RateScale);
        var verdict = gate.ClosedBy is not Refusal.None and var closed ? closed
            : automatic.IsBanned(address) ? Refusal.Banned
            : limits.Judge(key, live, ceiling.Value) is not Refusal.None and var refusal ? refusal
            : !limits.IsCounted ? Refusal.None
            : wait > TimeSpan.Zero ? Refusal.RatePerIp
            : waitTotal > TimeSpan.Zero ? Refusal.RateTotal
            : Refusal.None;
        return new Explanation
        {
            Origin = { steps.Select(step => new AdminApi.ResolutionStep { Where = step.Where, Found = step.Found, Verdict = step.Verdict }) },
            Address = address.ToString(),
            Key = key.ToString(),
            Limits = { LimitMapper.Of(policy, key, limits, live, ceiling) },
            Ban = BanOf(policy, address),
            RateWait = Duration.FromTimeSpan(limits.IsCounted ? wait : TimeSpan.Zero),
            RateWaitTotal = Duration.FromTimeSpan(limits.IsCounted ? waitTotal : TimeSpan.Zero),
            RatePerIp = policy.RatePerIp.ToString(),
            RateTotal = policy.RateTotal.ToString(),
            Verdict = DecisionMapper.Outcome(verdict),
            ClientSees = ClientSees(verdict, overload.For(ledger.LevelOf(key))),
            ShadowVerdict = policy.Shadow is { } shadow ? DecisionMapper.Outcome(shadow.For(address, key, time).Judge(key, live, ceiling.Value)) : "",
            Last = { Last(request.Decisions, address).Select(DecisionMapper.Of) },
            Revision = policy.Revision,
        };
    }

    private (IPAddress Socket, Listener Listener, HeaderDictionary Headers, ProxyClaim Claim) Read(ExplainRequest request)
    {
        var errors = new List<(string, string)>();
        if (!IpText.TryParse(request.Address, out var address))
        {
            errors.Add(("address", $"'{request.Address}' is no address"));
        }

        var all = listeners.Listeners;
        var listener = request.Listener.Length == 0 ? all[0] : all.FirstOrDefault(one => one.EndPoint.ToString() == request.Listener);
        if (listener is null)
        {
            errors.Add(("listener", $"there is no listener '{request.Listener}'; there are {string.Join(", ", all.Select(one => one.EndPoint))}"));
        }

        if (request.Headers.Count > MaxHeaders)
        {
            errors.Add(("headers", $"{request.Headers.Count} headers; at most {MaxHeaders}"));
        }

        if (request.Decisions is < 0 or > MaxDecisions)
        {
            errors.Add(("decisions", $"{request.Decisions} is not in 0 to {MaxDecisions}"));
        }

        var headers = new HeaderDictionary();
        var claim = default(ProxyClaim);
        foreach (var line in request.Headers)
        {
            var colon = line.IndexOf(':');
            var (name, value) = colon < 1 ? ("", "") : (line[..colon].Trim(), line[(colon + 1)..].Trim());
            if (name.Length == 0)
            {
                errors.Add(("headers", $"'{line}' is no header; write it like 'X-Forwarded-For: 203.0.113.7'"));
            }
            else if (name.Equals("PROXY", StringComparison.OrdinalIgnoreCase))
            {
                claim = IpText.TryParse(value, out var source)
                    ? new ProxyClaim(ProxyClaimKind.Client, source)
                    : new ProxyClaim(ProxyClaimKind.Itself, default);
            }
            else
            {
                headers.Append(name, value);
            }
        }

        return errors.Count > 0 ? throw AdminErrors.Invalid(errors) : (address.ToAddress(), listener!, headers, claim);
    }

    private BanEntry? BanOf(LimitPolicy policy, IpKey address)
    {
        if (policy.BanOf(address) is { } found)
        {
            return BanCommands.Row(found.Network, found.Ban.Until, found.Ban.Reason, "manual");
        }

        var made = automatic.All().Where(ban => ban.Network.Contains(address)).ToList();
        return made.Count > 0 ? BanCommands.Row(made[0]) : null;
    }

    private string ClientSees(Refusal verdict, OverloadLevel level) => verdict switch
    {
        Refusal.None => "the upgrade (101) and the greeting",
        _ when level == OverloadLevel.Critical => "nothing: the connection is cut before TLS and HTTP, it floods; behind a proxy it gets " + Status(verdict),
        _ when level == OverloadLevel.Elevated => Status(verdict),
        Refusal.Stopping or Refusal.Draining => Status(verdict),
        _ when options.RefuseWith == RefuseWith.Status => Status(verdict),
        _ => $"the upgrade, then close {RefusalReasons.CloseCode(verdict)} \"{RefusalReasons.Reason(verdict)}\"",
    };

    private static string Status(Refusal verdict) => $"status {RefusalReasons.Status(verdict)} \"{RefusalReasons.Reason(verdict)}\" before the upgrade";

    private IReadOnlyList<LoggedDecision> Last(int given, IpKey address) =>
        log.Last(given == 0 ? DefaultDecisions : given, logged => logged.Address == address);
}
