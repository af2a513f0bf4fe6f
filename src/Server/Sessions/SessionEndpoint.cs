using Relay.Addresses;
using Relay.Admission;
using Relay.ClientAuth;
using Relay.Transport;

namespace Relay.Sessions;

/// <summary>A client's way in: address, admission, session.</summary>
internal sealed class SessionEndpoint(
    AdmissionGate gate,
    ClientAddressResolver origins,
    ProxyMisconfiguration warning,
    OriginFilter pages,
    ClientAuthenticator authenticator,
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
        if (pages.Check(request) is { } forbidden)
        {
            return forbidden;
        }

        if (!authenticator.IsOn)
        {
            return Admit(origin, default, connection);
        }

        if (gate.IsClosedTo(origin.Address))
        {
            // Should it be open by the time that this is decided, the client is nobody.
            return Admit(origin, Credential.Unauthorized, connection);
        }

        var authentication = authenticator.AuthenticateAsync(request, origin.Address, connection);
        return authentication.IsCompletedSuccessfully
            ? Admit(origin, authentication.Result, connection)
            : Await(origin, authentication.AsTask(), connection);
    }

    /// <summary>The client address, by the rule of the listener that accepted it.</summary>
    public static ResolvedClient ResolveAddress(UpgradeRequest request, ClientAddressResolver origins) =>
        origins.Resolve(request.ClientAddress, request.Peer, request.Header, request.Claim);

    private UpgradeOutcome Await(ResolvedClient origin, Task<Credential> authentication, Connection connection) =>
        new(null, null, new PendingUpgrade(authentication, () => Admit(origin, authentication.GetAwaiter().GetResult(), connection)));

    private UpgradeOutcome Admit(ResolvedClient origin, in Credential credential, Connection connection)
    {
        var decision = gate.TryAdmit(origin.Address, credential, out var lease);
        if (decision.Refusal is Refusal.PerIpLimit or Refusal.RatePerIp)
        {
            warning.RefusedPerIp(decision.Live.Key, decision.ClusterTotal);
        }

        if (decision.Refusal != Refusal.None)
        {
            return refuser.Refuse(connection, decision);
        }

        // From here on the lease is released when the TCP connection is gone, however that happens.
        connection.Hold(lease, decision.Key);
        var key = decision.Key.IsSubject ? gate.KeyOf(origin.Address) : decision.Key;
        return new UpgradeOutcome(null, new Session(services.Table.NextId(), origin.Address, key, connection, handler, services) { Subject = credential.Subject });
    }
}
