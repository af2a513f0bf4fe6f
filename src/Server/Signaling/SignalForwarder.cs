using Relay.Protocol;
using Relay.Sessions;

namespace Relay.Signaling;

/// <summary>offer, answer and ice_candidate: from one registered code to another, the payload untouched.</summary>
internal sealed class SignalForwarder(PairingCodes codes)
{
    public const string NotRegistered = "Not registered. Send register message first.";

    public void Forward(Client client, MessageType type, in ClientMessage message, long receivedAt)
    {
        var target = message.Text("target")!;
        if (client.Code is not { } code)
        {
            client.Session.Send(MessageWriter.Error(NotRegistered));
        }
        else if (target.Length == 0)
        {
            client.Session.Send(MessageWriter.Error("Missing required field: target"));
        }
        else if (!PairingCode.IsValid(target))
        {
            client.Session.Send(MessageWriter.Error("Invalid target code format"));
        }
        else if (!codes.TryFind(target, out var to, out _))
        {
            client.Session.Send(MessageWriter.Error($"Peer not found: {target}"));
        }
        else
        {
            to.Session.Send(MessageWriter.Forward(MessageTypes.Name(type), code, message.Raw("payload"), receivedAt));
        }
    }
}
