using Relay.Addresses;
using Relay.Admission;
using Relay.Transport;

namespace Relay.Sessions;

/// <summary>A client's way in: address, admission, session.</summary>
internal sealed class SessionEndpoint(
    AdmissionGate gate,
    ClientAddressResolver origins,
    ProxyMisconfiguration warning,
    Refuser refuser,
    SessionServices services,
    ISessionHandler handler)
{
    public UpgradeOutcome Open(UpgradeRequest request, Connection connection)
    {
        var origin = ResolveAddress(request, origins);
        if (WebSocketHandshake.Check(request) is { } answer)
        {
            gate.RecordViolation(origin.Address);
            return answer;
        }

        warning.Seen(origin);
        var decision = gate.TryAdmit(origin.Address, out var lease);
        if (decision.Refusal is Refusal.PerIpLimit or Refusal.RatePerIp)
        {
            warning.RefusedPerIp(decision.Live.Key, decision.Live.Total);
        }

        if (decision.Refusal != Refusal.None)
        {
            return refuser.Refuse(connection, decision);
        }

        // From here on the lease is released when the TCP connection is gone, however that happens.
        connection.Hold(lease, decision.Key);
        return new UpgradeOutcome(null, new Session(services.Table.NextId(), origin.Address, decision.Key, connection, handler, services));
    }

    /// <summary>The client address, by the rule of the listener that accepted it.</summary>
    public static ResolvedClient ResolveAddress(UpgradeRequest request, ClientAddressResolver origins) =>
        origins.Resolve(request.ClientAddress, request.Peer, request.Header, request.Claim);
}
