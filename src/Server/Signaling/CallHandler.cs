using Relay.Presence;
using Relay.Protocol;

namespace Relay.Signaling;

/// <summary>call_offer, call_answer, call_reject, call_hangup and call_ice.</summary>
internal sealed class CallHandler
{
    public void Forward(Client client, MessageType type, in ClientMessage message, long receivedAt) => throw new NotImplementedException();
}
