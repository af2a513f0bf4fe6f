using Microsoft.AspNetCore.Http.Features;
using Relay.Admission;
using Relay.Listening;
using Relay.Protocol;
using Relay.Sessions;
using Relay.Telemetry;

namespace Relay.Federation;

/// <summary>A peer server's way in. It takes a place of its own and none of a client's.</summary>
internal sealed class PeerEndpoint(
    FederationOptions options,
    AdmissionOptions admission,
    TrustedProxies proxies,
    LimitPolicyStore policies,
    PeerTable peers,
    PeerWelcome welcome,
    SessionTable sessions,
    SessionServices services,
    RelayMetrics metrics)
{
    /// <summary>When false the paths do not exist: the caller answers 404.</summary>
    public bool IsOn => options.IsOn;

    public async Task HandleAsync(HttpContext context)
    {
        if (WebSocketHandshake.Reject(context) is { } answered)
        {
            await answered;
            return;
        }

        var address = SessionEndpoint.ClientAddress(context, proxies);
        var key = IpKey.From(address, policies.Current.Ipv6Prefix);
        if (!peers.TryEnter(address, key, out var link))
        {
            metrics.PeerRefused(CloseReason.PeerLimit);
            await Refuser.AnswerStatusAsync(
                context, StatusCodes.Status503ServiceUnavailable, "Too many peer servers", admission.RetryAfter);
            return;
        }

        using (link)
        {
            var connection = context.Features.GetRequiredFeature<TrackedConnection>();
            await SessionEndpoint.RunAsync(context, connection, IpKey.From(address), key, sessions, services, new PeerHandler(link, welcome));
        }
    }
}
