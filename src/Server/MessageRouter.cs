using Relay.Admission;
using Relay.Clients;
using Relay.Identity;
using Relay.Protocol;
using Relay.Sessions;
using Relay.Storage;
using Relay.Telemetry;

namespace Relay;

/// <summary>
/// Client message → the handler that owns it. The checks that all messages share come first, in the order of
/// docs/protocol.md; the switch is the protocol's table of contents.
/// </summary>
internal sealed partial class MessageRouter(
    ServerIdentity identity,
    IdentityOptions identityOptions,
    ClientHandlers handlers,
    ClientDirectory presence,
    AdmissionGate gate,
    Sessions.ClientSessionOptions options,
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
            client.SendError("Rate limit exceeded. Please slow down.");
            if (rate == MessageRate.Hopeless)
            {
                session.Close(CloseReason.RateLimited);
            }

            return ValueTask.CompletedTask;
        }

        if (!ClientMessage.TryParse(message, out var parsed))
        {
            metrics.MessageReceived(MessageType.Unknown);
            client.SendError("Invalid message format: JSON parse error");
            return ValueTask.CompletedTask;
        }

        return HandleAsync(client, parsed, receivedAt);
    }

    public void OnClosed(Session session)
    {
        metrics.SessionClosed(session.CloseReason);
        if (CloseReasons.IsMisdeed(session.CloseReason))
        {
            gate.RecordViolation(session.Address);
        }

        if (session.State is Client client)
        {
            presence.Hide(client);
            var failure = handlers.Leave(client);
            presence.Free(client);
            if (failure is not null)
            {
                Log.LeavingFailed(logger, failure, session.Id);
            }
        }
    }

    private async ValueTask HandleAsync(Client client, ClientMessage message, long receivedAt)
    {
        using (message)
        {
            var error = MessageReader.Check(message, out var type);
            metrics.MessageReceived(type);
            if (error is not null)
            {
                client.SendError($"Invalid message: {error}");
            }
            else if (NamesAnother(client, type, message))
            {
                client.SendError("peerId mismatch with registered identity");
            }
            else if (IsGated(type) && !handlers.Attestation.Allows(client))
            {
                client.Send(MessageWriter.Write(new CodedError("NOT_ATTESTED", "Attestation required"), ServerJson.Default.CodedError));
            }
            else
            {
                try
                {
                    await DispatchAsync(client, type, message, receivedAt);
                }
                catch (StorageException)
                {
                    // The database has logged it, once for all whom it fails.
                    client.SendError("Internal server error");
                }
                catch (Exception exception)
                {
                    Log.HandlerFailed(logger, exception, MessageTypes.Name(type), client.Session.Id);
                    client.SendError("Internal server error");
                }
            }
        }
    }

    private ValueTask DispatchAsync(Client client, MessageType type, in ClientMessage message, long receivedAt)
    {
        switch (type)
        {
            case MessageType.RegisterCode:
                handlers.Pairing.Register(client, message);
                break;
            case MessageType.PairRequest:
                handlers.Pairing.Request(client, message);
                break;
            case MessageType.PairResponse:
                handlers.Pairing.Respond(client, message);
                break;
            case MessageType.Offer or MessageType.Answer or MessageType.IceCandidate:
                handlers.Signals.Forward(client, type, message, receivedAt);
                break;
            case MessageType.CallOffer or MessageType.CallAnswer or MessageType.CallReject or MessageType.CallHangup or MessageType.CallIce:
                handlers.Calls.Forward(client, type, message, receivedAt);
                break;
            case MessageType.LinkRequest:
                handlers.Links.Request(client, message);
                break;
            case MessageType.LinkResponse:
                handlers.Links.Respond(client, message);
                break;
            case MessageType.RegisterPeer:
                handlers.Relays.Register(client, message);
                break;
            case MessageType.UpdateLoad:
                handlers.Relays.UpdateLoad(client, message);
                break;
            case MessageType.GetRelays:
                handlers.Relays.Offer(client, message);
                break;
            case MessageType.Heartbeat:
                handlers.Relays.Heartbeat(client, message);
                break;
            case MessageType.RegisterRendezvous:
                return handlers.Rendezvous.RegisterAsync(client, message);
            case MessageType.ChannelOwnerRegister:
                handlers.Channels.RegisterOwner(client, message);
                break;
            case MessageType.ChannelSubscribe:
                if (handlers.Channels.Subscribe(client, message))
                {
                    handlers.Chunks.TellKept(client, message.Text("channelId")!);
                }

                break;
            case MessageType.UpstreamMessage:
                handlers.Channels.SendUpstream(client, message);
                break;
            case MessageType.StreamStart:
                handlers.Streams.Start(client, message);
                break;
            case MessageType.StreamFrame:
                handlers.Streams.Frame(client, message, receivedAt);
                break;
            case MessageType.StreamEnd:
                handlers.Streams.End(client, message);
                break;
            case MessageType.ChunkAnnounce:
                handlers.Chunks.Announce(client, message);
                break;
            case MessageType.ChunkRequest:
                return handlers.Chunks.RequestAsync(client, message);
            case MessageType.ChunkPush:
                return handlers.Chunks.PushAsync(client, message);
            case MessageType.AttestRequest:
                return handlers.Attestation.RequestAsync(client, message);
            case MessageType.AttestResponse:
                return handlers.Attestation.RespondAsync(client, message);
            case MessageType.Ping:
                client.Send(MessageWriter.Write(new Pong(), ServerJson.Default.Pong));
                break;
            default:
                client.SendError($"Unknown message type: {message.Text("type")}");
                break;
        }

        return ValueTask.CompletedTask;
    }

    private static bool IsGated(MessageType type) => type is MessageType.ChunkAnnounce or MessageType.ChunkRequest or MessageType.ChunkPush;

    /// <summary>True when a message of a registered socket carries a peerId, of whatever kind, that is neither of its names.</summary>
    private static bool NamesAnother(Client client, MessageType type, in ClientMessage message) =>
        type is not (MessageType.RegisterCode or MessageType.RegisterPeer or MessageType.GetRelays)
        && client.Name is not null
        && message.HasContent("peerId")
        && !(message.Text("peerId") is { } peerId && (peerId == client.PeerId || peerId == client.Code));

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Error, "Handling a {Type} message of session {Id} failed")]
        public static partial void HandlerFailed(ILogger logger, Exception exception, string type, long id);

        [LoggerMessage(2, LogLevel.Error, "Forgetting session {Id} failed; something of it may be left")]
        public static partial void LeavingFailed(ILogger logger, Exception exception, long id);
    }
}
