using Relay.Presence;
using Relay.Protocol;

namespace Relay.Attestation;

/// <summary>attest_request and attest_response, and the gate in front of what they open.</summary>
internal sealed class AttestationHandler
{
    /// <summary>True when the client may use what is gated: proven, in its grace period, or attestation is off.</summary>
    public bool Allows(Client client) => throw new NotImplementedException();

    public ValueTask RequestAsync(Client client, ClientMessage message) => throw new NotImplementedException();

    public ValueTask RespondAsync(Client client, ClientMessage message) => throw new NotImplementedException();

    public void Leave(Client client) => GC.KeepAlive(this);
}
