using Relay.Admission;
using Relay.Clients;
using Relay.Identity;
using Relay.Protocol;
using Relay.Sessions;
using Relay.Storage;
using Relay.Telemetry;

namespace Relay;

/// <summary>
/// Client message → the handler that <see cref="ClientMessages"/> names. The checks that all messages share come first, in
/// the order of docs/protocol.md.
/// </summary>
internal sealed partial class MessageRouter(
    ServerGreeting greeting,
    ClientHandlers handlers,
    NameClaims names,
    AdmissionGate gate,
    Sessions.ClientSessionOptions options,
    RelayMetrics metrics,
    ConnectionLog log,
    TimeProvider time,
    ILogger<MessageRouter> logger) : ISessionHandler
{
    public void OnOpened(Session session)
    {
        session.State = new Client(session);
        var (info, proof) = greeting.Share();
        session.Send(info);
        session.Send(proof);
        log.Opened(session);
    }

    public ValueTask OnMessageAsync(Session session, ReadOnlyMemory<byte> message, long receivedAt)
    {
        var client = Client.Of(session);
        metrics.BytesArrived(message.Length);
        var rate = client.CountMessage(options, receivedAt, time);
        if (rate != MessageRate.Allowed)
        {
            metrics.MessageReceived(ClientMessages.Unknown.Name);
            metrics.MessageRateLimited();
            client.SendError("Rate limit exceeded. Please slow down.");
            if (rate == MessageRate.Disconnect)
            {
                session.Close(CloseReason.RateLimited);
            }

            return ValueTask.CompletedTask;
        }

        if (!ClientMessage.TryParse(message, ClientMessages.Fields, out var parsed))
        {
            metrics.MessageReceived(ClientMessages.Unknown.Name);
            client.SendError("Invalid message format: JSON parse error");
            return ValueTask.CompletedTask;
        }

        return HandleAsync(client, parsed, receivedAt);
    }

    public void OnClosed(Session session)
    {
        metrics.SessionClosed(session.CloseReason);
        log.Closed(session);
        if (CloseReasons.Of(session.CloseReason).IsProtocolViolation)
        {
            gate.RecordViolation(session.Address);
        }

        // Who never sent anything is known to no feature, and by no name.
        if (session is { MessagesReceived: > 0, State: Client client })
        {
            names.BeginLeave(client);
            var failure = handlers.Leave(client);
            names.Release(client);
            if (failure is not null)
            {
                Log.LeavingFailed(logger, failure, session.Id);
            }
        }
    }

    // Most messages are handled at once: only those that wait pay for a task.
    private ValueTask HandleAsync(Client client, in ClientMessage message, long receivedAt)
    {
        var handled = Start(client, message, receivedAt, out var definition);
        if (handled.IsCompletedSuccessfully)
        {
            message.Dispose();
            return handled;
        }

        return FinishAsync(handled, client, definition, message);
    }

    private ValueTask Start(Client client, in ClientMessage message, long receivedAt, out MessageDefinition definition)
    {
        var error = ClientMessages.Check(message, out definition);
        metrics.MessageReceived(definition.Name);
        if (error is not null)
        {
            client.SendError($"Invalid message: {error}");
        }
        else if (definition.ChecksPeerId && NamesAnother(client, message))
        {
            client.SendError("peerId mismatch with registered identity");
        }
        else if (definition.NeedsAttestation && !handlers.Attestation.Allows(client))
        {
            client.Send(MessageWriter.Write(new CodedError("NOT_ATTESTED", "Attestation required"), ServerJson.Default.CodedError));
        }
        else
        {
            try
            {
                return definition.HandleAsync(new ReceivedMessage(handlers, client, definition, message, receivedAt));
            }
            catch (Exception exception)
            {
                return ValueTask.FromException(exception);
            }
        }

        return ValueTask.CompletedTask;
    }

    private async ValueTask FinishAsync(ValueTask handled, Client client, MessageDefinition definition, ClientMessage message)
    {
        using (message)
        {
            try
            {
                await handled;
            }
            catch (StorageException)
            {
                // The database has logged it, once for all whom it fails.
                client.SendError("Internal server error");
            }
            catch (Exception exception)
            {
                Log.HandlerFailed(logger, exception, definition.Name, client.Session.Id);
                client.SendError("Internal server error");
            }
        }
    }

    /// <summary>True when a message of a registered socket carries a peerId, of whatever kind, that is neither of its names.</summary>
    private static bool NamesAnother(Client client, in ClientMessage message) =>
        client.Name is not null
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
