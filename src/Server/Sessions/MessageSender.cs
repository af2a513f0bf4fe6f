using Relay.Addresses;
using Relay.Protocol;
using Relay.Transport;

namespace Relay.Sessions;

/// <summary>
/// The ways to send a message to a socket, by why it is sent: see <see cref="SendKind"/>. Every sender chooses one, so that no client's
/// socket is closed, nor its reading stopped, by what others send it.
/// </summary>
internal abstract class MessageSender(Connection connection, SessionServices services) : FrameSender(connection, services)
{
    /// <summary>
    /// Sends what the receiver asked for, or queues it; never blocks. A queue full of that closes the session, the slow receiver, and
    /// nobody else. The message is the session's from here on.
    /// </summary>
    public void Send(in EncodedMessage message)
    {
        if (Give(message, Enqueue(message, SendKind.Asked)) == SendResult.Full)
        {
            Close(CloseReason.SlowConsumer);
        }
    }

    /// <summary>The same where the caller knows a shorter answer than one that does not fit, which closes nobody.</summary>
    public SendResult TrySend(in EncodedMessage message) => Give(message, Enqueue(message, SendKind.Asked));

    /// <summary>A frame of a stream, which may be lost: half of the queue at most.</summary>
    public SendResult TryStream(in EncodedMessage message) => Give(message, Enqueue(message, SendKind.Frame));

    /// <summary>
    /// What another client at the address <paramref name="sender"/> caused. It has a share of the queue and never closes the session.
    /// Full: it was not sent, and the caller has to tell its sender or to keep it. The message is the session's from here on.
    /// </summary>
    public SendResult TryPass(in EncodedMessage message, in IpKey sender) => Give(message, Enqueue(message, SendKind.Unasked, sender));

    /// <summary>The same where its sender never hears of it: what does not fit is dropped and counted.</summary>
    public void Pass(in EncodedMessage message, in IpKey sender)
    {
        if (TryPass(message, sender) == SendResult.Full)
        {
            Services.Metrics.MessagesDropped(1);
        }
    }

    /// <summary>Begins to close the session.</summary>
    public abstract void Close(CloseReason reason);

    private static SendResult Give(in EncodedMessage message, SendResult result)
    {
        if (result != SendResult.Accepted)
        {
            message.Return();
        }

        return result;
    }
}
