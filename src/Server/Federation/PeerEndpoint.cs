using Relay.Addresses;
using Relay.Admission;
using Relay.Policy;
using Relay.Protocol;
using Relay.Sessions;
using Relay.Transport;

namespace Relay.Federation;

/// <summary>A peer server's way in. It has limits of its own and takes nothing of the clients'.</summary>
internal sealed class PeerEndpoint(
    FederationOptions options,
    AdmissionOptions admission,
    AdmissionGate gate,
    ClientAddressResolver origins,
    LimitPolicyStore policies,
    PeerTable peers,
    PeerAuthenticator authenticator,
    SessionServices services,
    PeerCounts counts)
{
    /// <summary>When false the paths do not exist: the caller answers 404.</summary>
    public bool IsOn => options.IsOn;

    public UpgradeOutcome Open(UpgradeRequest request, Connection connection)
    {
        if (WebSocketHandshake.Check(request) is { } answer)
        {
            return answer;
        }

        var origin = SessionEndpoint.ResolveAddress(request, origins);
        if (gate.BarOf(origin.Address) is var bar and not Refusal.None)
        {
            counts.Refused(CloseReason.Banned);
            return new HttpAnswer(Rejections.Of(bar).Status, Rejections.Of(bar).Text);
        }

        var key = origin.Address.TruncateIpv6(policies.Current.Ipv6Prefix);
        if (!peers.TryEnter(origin.Shown.ToAddress(), key, out var link, out var displaced))
        {
            counts.Refused(CloseReason.PeerLimit);
            return HttpAnswer.RetryLater(503, "Too many peer servers", admission.RetryAfter);
        }

        authenticator.CloseDisplaced(displaced);
        connection.FinishHandshake();
        return new UpgradeOutcome(
            null, new Session(services.Table.NextId(), origin.Address, key, connection, new PeerHandler(link, authenticator), services));
    }
}
