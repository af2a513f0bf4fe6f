using System.Collections.Frozen;
using Relay.Clients;
using Relay.Protocol;
using Relay.Sessions;

namespace Relay.Signaling;

/// <summary>offer, answer and ice_candidate: from one registered code to another, the payload untouched.</summary>
internal sealed class SignalForwarder(ClientDirectory presence, MatchTable matches, RemoteForwards remote, SignalingOptions options)
{
    // Two quotes.
    private const int EmptyText = 2;

    public const string NotRegistered = "Not registered. Send register message first.";

    public const string NotPaired = "Not paired with target";

    /// <summary>The messages that are forwarded.</summary>
    public static readonly FrozenSet<string> Types =
        FrozenSet.Create("offer", "answer", "ice_candidate", "call_offer", "call_answer", "call_reject", "call_hangup", "call_ice");

    /// <summary>Passes a message of this type on. <paramref name="error"/> is what a caller found wrong with the payload.</summary>
    public void Forward(Client client, string type, in ClientMessage message, long receivedAt, string? error = null)
    {
        var spelled = message.Raw("target");
        if (client.Code is not { } code)
        {
            client.SendError(NotRegistered);
        }
        else if (spelled.Length == EmptyText)
        {
            client.SendError("Missing required field: target");
        }
        else if (!PairingCode.TryRead(spelled, out var target))
        {
            client.SendError("Invalid target code format");
        }
        else if (error is not null)
        {
            client.SendError(error);
        }
        else if (!presence.TryFindCode(target, out var to))
        {
            if (remote.IsOn)
            {
                remote.Forward(client, code, type, message.Text("target")!, message.Raw("payload"));
            }
            else
            {
                SendNotFound(client, message.Text("target")!, options);
            }
        }
        else if (!matches.Allows(client, to))
        {
            client.SendError(NotPaired);
        }
        else
        {
            switch (to.TryPass(MessageWriter.Forward(type, code, message.Raw("payload"), receivedAt), client))
            {
                case SendResult.Full:
                    SendBusy(client);
                    break;
                case SendResult.Completed:
                    SendNotFound(client, message.Text("target")!, options);
                    break;
            }
        }
    }

    /// <summary>Nobody with this code is here, or whoever has it is leaving. Where a match is needed, a code that is not here and one that is not the sender's partner look the same.</summary>
    public static void SendNotFound(Client client, string target, SignalingOptions options) =>
        client.SendError(options.RequireMatch ? NotPaired : $"Peer not found: {target}");

    public static void SendBusy(Client client) =>
        client.Send(MessageWriter.Write(new BusyError("Target is busy", "TARGET_BUSY"), ServerJson.Default.BusyError));

    /// <summary>The client has left: its matches were with this socket only.</summary>
    public void Leave(Client client) => matches.Forget(client);
}
