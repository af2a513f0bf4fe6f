using Microsoft.AspNetCore.Http.Features;
using Relay.Addresses;
using Relay.Policy;
using Relay.Protocol;
using Relay.Sessions;
using Relay.Telemetry;
using Relay.Transport;

namespace Relay.Federation;

/// <summary>A peer server's way in. It takes a place of its own and none of a client's.</summary>
internal sealed class PeerEndpoint(
    FederationOptions options,
    AdmissionOptions admission,
    ClientAddressResolver origins,
    LimitPolicyStore policies,
    PeerTable peers,
    PeerAuthenticator welcome,
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

        var connection = context.Features.GetRequiredFeature<TrackedConnection>();
        var origin = SessionEndpoint.ResolveAddress(context, connection, origins);
        var key = origin.Address.CutIpv6(policies.Current.Ipv6Prefix);
        if (!peers.TryEnter(origin.Shown.ToAddress(), key, out var link))
        {
            metrics.PeerRefused(CloseReason.PeerLimit);
            await Refuser.AnswerStatusAsync(
                context, StatusCodes.Status503ServiceUnavailable, "Too many peer servers", admission.RetryAfter);
            return;
        }

        using (link)
        {
            await SessionEndpoint.RunAsync(context, connection, origin.Address, key, sessions, services, new PeerHandler(link, welcome));
        }
    }
}
