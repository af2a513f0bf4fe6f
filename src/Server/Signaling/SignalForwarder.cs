using Relay.Presence;
using Relay.Protocol;

namespace Relay.Signaling;

/// <summary>offer, answer and ice_candidate: from one registered code to another, the payload untouched.</summary>
internal sealed class SignalForwarder(PresenceTable presence)
{
    public const string NotRegistered = "Not registered. Send register message first.";

    public void Forward(Client client, MessageType type, in ClientMessage message, long receivedAt)
    {
        var target = message.Text("target")!;
        if (client.Code is not { } code)
        {
            client.SendError(NotRegistered);
        }
        else if (target.Length == 0)
        {
            client.SendError("Missing required field: target");
        }
        else if (!PairingCode.IsValid(target))
        {
            client.SendError("Invalid target code format");
        }
        else if (!presence.TryFindCode(target, out var to, out _))
        {
            client.SendError($"Peer not found: {target}");
        }
        else
        {
            to.Send(MessageWriter.Forward(MessageTypes.Name(type), code, message.Raw("payload"), receivedAt));
        }
    }
}
