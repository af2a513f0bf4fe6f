using Relay.Identity;
using Relay.Protocol;
using Relay.Sessions;
using Relay.Signaling;
using Relay.Telemetry;

namespace Relay;

/// <summary>
/// Client message → the handler that owns it. The checks that all messages share come first, in the order of
/// docs/protocol.md; the switch is the protocol's table of contents.
/// </summary>
internal sealed partial class MessageRouter(
    ServerIdentity identity,
    IdentityOptions identityOptions,
    PairingHandler pairing,
    SignalForwarder forwarder,
    Sessions.SessionOptions options,
    RelayMetrics metrics,
    TimeProvider time,
    ILogger<MessageRouter> logger) : ISessionHandler
{
    public void OnOpened(Session session)
    {
        session.State = new Client(session);
        session.Send(MessageWriter.Write(
            new ServerInfo(identity.ServerId, identityOptions.PublicEndpoint, identityOptions.Region is { Length: > 0 } region ? region : null),
            ServerJson.Default.ServerInfo));
        session.Send(MessageWriter.Write(identity.Greeting(time), ServerJson.Default.ServerIdentityMessage));
    }

    public ValueTask OnMessageAsync(Session session, ReadOnlyMemory<byte> message, long receivedAt)
    {
        var client = Client.Of(session);
        metrics.BytesArrived(message.Length);
        var rate = client.CountMessage(options, time);
        if (rate != MessageRate.Fine)
        {
            metrics.MessageReceived(MessageType.Unknown);
            metrics.MessageRateLimited();
            session.Send(MessageWriter.Error("Rate limit exceeded. Please slow down."));
            if (rate == MessageRate.Hopeless)
            {
                session.Close(CloseReason.RateLimited);
            }

            return ValueTask.CompletedTask;
        }

        if (!ClientMessage.TryParse(message, out var parsed))
        {
            metrics.MessageReceived(MessageType.Unknown);
            session.Send(MessageWriter.Error("Invalid message format: JSON parse error"));
            return ValueTask.CompletedTask;
        }

        using (parsed)
        {
            var mistake = MessageReader.Check(parsed, out var type);
            metrics.MessageReceived(type);
            if (mistake is not null)
            {
                session.Send(MessageWriter.Error($"Invalid message: {mistake}"));
            }
            else if (NamesAnother(client, type, parsed))
            {
                session.Send(MessageWriter.Error("peerId mismatch with registered identity"));
            }
            else
            {
                Dispatch(client, type, parsed, receivedAt);
            }
        }

        return ValueTask.CompletedTask;
    }

    public void OnClosed(Session session)
    {
        metrics.SessionClosed(session.CloseReason);
        if (session.State is Client client)
        {
            pairing.Leave(client);
        }
    }

    private void Dispatch(Client client, MessageType type, in ClientMessage message, long receivedAt)
    {
        try
        {
            switch (type)
            {
                case MessageType.RegisterCode:
                    pairing.Register(client, message);
                    break;
                case MessageType.PairRequest:
                    pairing.Request(client, message);
                    break;
                case MessageType.PairResponse:
                    pairing.Respond(client, message);
                    break;
                case MessageType.Offer or MessageType.Answer or MessageType.IceCandidate:
                    forwarder.Forward(client, type, message, receivedAt);
                    break;
                case MessageType.Ping:
                    client.Session.Send(MessageWriter.Write(new Pong(), ServerJson.Default.Pong));
                    break;
                default:
                    client.Session.Send(MessageWriter.Error($"Unknown message type: {message.Text("type")}"));
                    break;
            }
        }
        catch (Exception exception)
        {
            Log.HandlerFailed(logger, exception, MessageTypes.Name(type), client.Session.Id);
            client.Session.Send(MessageWriter.Error("Internal server error"));
        }
    }

    /// <summary>True when a message of a registered socket carries a peerId that is neither of its names.</summary>
    private static bool NamesAnother(Client client, MessageType type, in ClientMessage message) =>
        type is not (MessageType.RegisterCode or MessageType.RegisterPeer or MessageType.GetRelays)
        && (client.PeerId ?? client.Code) is not null
        && message.Text("peerId") is { Length: > 0 } peerId
        && peerId != client.PeerId
        && peerId != client.Code;

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Error, "Handling a {Type} message of session {Id} failed")]
        public static partial void HandlerFailed(ILogger logger, Exception exception, string type, long id);
    }
}
