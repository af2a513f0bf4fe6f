using Relay.Clients;
using Relay.Protocol;

namespace Relay.Signaling;

/// <summary>offer, answer and ice_candidate: from one registered code to another, the payload untouched.</summary>
internal sealed class SignalForwarder(ClientDirectory presence, MatchTable matches, SignalingOptions options)
{
    // Two quotes.
    private const int EmptyText = 2;

    public const string NotRegistered = "Not registered. Send register message first.";

    /// <summary>Passes a message of this type on. <paramref name="error"/> is what a caller found wrong with the payload.</summary>
    public void Forward(Client client, string type, in ClientMessage message, long receivedAt, string? error = null)
    {
        var spelled = message.Raw("target");
        Span<char> buffer = stackalloc char[PairingCode.MaxSpelledLength];
        var isCode = JsonText.TryCopyAscii(spelled, buffer, out var length);
        var target = buffer[..length];
        if (client.Code is not { } code)
        {
            client.SendError(NotRegistered);
        }
        else if (spelled.Length == EmptyText)
        {
            client.SendError("Missing required field: target");
        }
        else if (!isCode || !PairingCode.IsValid(target))
        {
            client.SendError("Invalid target code format");
        }
        else if (error is not null)
        {
            client.SendError(error);
        }
        else if (!presence.TryFindCode(target, out var to) || !matches.Allows(client, to))
        {
            // Where a match is needed, a code that is not here and one that is not the sender's partner look the same.
            client.SendError(options.RequireMatch ? "Not paired with target" : $"Peer not found: {target}");
        }
        else
        {
            to.Send(MessageWriter.Forward(type, code, message.Raw("payload"), receivedAt));
        }
    }

    /// <summary>The client has left: its matches were with this socket only.</summary>
    public void Leave(Client client) => matches.Forget(client);
}
