using System.Net;
using Google.Protobuf.WellKnownTypes;
using Relay.Addresses;
using Relay.AdminApi;
using Relay.Admission;
using Relay.ClientAuth;
using Relay.Policy;
using Relay.Transport;

namespace Relay.Admin;

/// <summary>
/// How a connection would fare now, evaluated by the same rules as a connection itself. Changes nothing.
/// </summary>
internal sealed class Explainer(
    PublicListenerOptions listeners,
    ClientAddressResolver origins,
    AutoBans automatic,
    AdmissionGate gate,
    ConnectionLedger ledger,
    ClientAuthOptions authentication,
    DecisionLog log)
{
    private const int MaxHeaders = 32;
    private const int MaxDecisions = 100;
    private const int DefaultDecisions = 20;

    public Explanation Explain(ExplainRequest request)
    {
        var (socket, listener, headers, claim) = Read(request);
        var steps = new List<Addresses.ResolutionStep>();
        var address = origins.Trace(listener.ClientAddress, socket, name => headers[name], claim, steps).Address;

        // Behind a proxy the client is known too late to be reset before HTTP, unless the PROXY header names it.
        var isKnownEarly = origins.IsClient(listener.ClientAddress, IpKey.From(socket))
            || (listener.ClientAddress.Mode == ClientAddressMode.ProxyProtocol && claim.Kind == ProxyClaimKind.Client);
        var subject = SubjectOf(request.Subject);
        var preview = gate.Preview(address, isKnownEarly, subject);
        var policy = preview.Policy;
        return new Explanation
        {
            Origin = { steps.Select(step => new AdminApi.ResolutionStep { Where = step.Where, Found = step.Found, Verdict = step.Verdict }) },
            Address = address.ToString(),
            Key = Shown(preview.Input.Key, subject),
            Limits = { preview.Trace.Rows.Select(row => LimitMapper.Of(row, key => Shown(key, subject))) },
            Ban = BanOf(policy, address, subject),
            RateWait = Duration.FromTimeSpan(preview.Trace.KeyWait),
            RateWaitTotal = Duration.FromTimeSpan(preview.Trace.TotalWait),
            RatePerIp = policy.RatePerIp.ToString(),
            RateTotal = policy.RateTotal.ToString(),
            Verdict = Rejections.Outcome(preview.Refusal),
            ClientSees = ClientSees(preview),
            ShadowVerdict = preview.Shadow is { } shadow ? Rejections.Outcome(shadow) : "",
            Last = { Last(request.Decisions, address).Select(logged => DecisionMapper.Of(logged, ledger)) },
            Revision = policy.Revision,
        };
    }

    private (IPAddress Socket, Listener Listener, HeaderDictionary Headers, ProxyClaim Claim) Read(ExplainRequest request)
    {
        var errors = new List<(string, string)>();
        if (!IpText.TryParse(request.Address, out var address))
        {
            errors.Add(("address", $"'{request.Address}' is not an IP address"));
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

        if (request.Subject.Length > 0 && SubjectName.Check(request.Subject) is { } wrong)
        {
            errors.Add(("subject", wrong));
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
                errors.Add(("headers", $"'{line}' is not a header; write it like 'X-Forwarded-For: 203.0.113.7'"));
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

    // With the limits that he came in with last.
    private Subject? SubjectOf(string name) =>
        name.Length == 0 ? null : ledger.FindSubject(IpKey.FromSubject(name)) ?? new Subject(name, authentication.PerSubject);

    private static string Shown(IpKey key, Subject? subject) => subject is not null && key == subject.Key ? $"subject {subject.Name}" : key.ToString();

    private BanEntry? BanOf(LimitPolicy policy, IpKey address, Subject? subject)
    {
        if (subject is not null && policy.BanOfSubject(subject.Key) is { } personal)
        {
            return BanCommands.Row(new BanTarget(default, subject.Name), personal.Until, personal.Reason, "manual");
        }

        if (policy.BanOf(address) is { } found)
        {
            return BanCommands.Row(new BanTarget(found.Network), found.Ban.Until, found.Ban.Reason, "manual");
        }

        var made = automatic.All().Where(ban => ban.Network.Contains(address)).ToList();
        return made.Count > 0 ? BanCommands.Row(made[0]) : null;
    }

    private static string ClientSees(AdmissionPreview preview) => preview.Mode switch
    {
        null => "the upgrade (101) and the greeting",
        RejectionMode.Reset => "nothing: the connection is reset before TLS and HTTP",
        RejectionMode.HttpStatus => $"status {Rejections.Of(preview.Refusal).Status} \"{Rejections.Of(preview.Refusal).Text}\" before the upgrade",
        _ => $"the upgrade, then close {Rejections.Of(preview.Refusal).CloseCode} \"{Rejections.Of(preview.Refusal).Text}\"",
    };

    private IReadOnlyList<LoggedDecision> Last(int given, IpKey address) =>
        log.Last(given == 0 ? DefaultDecisions : given, logged => logged.Address == address);
}
