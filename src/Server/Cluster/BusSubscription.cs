using System.Buffers;
using NATS.Client.Core;

namespace Relay.Cluster;

/// <summary>Takes a message where NATS' connection is read, one after another, in the order in which they came: it returns at once.</summary>
/// <param name="isStatus">It has headers, which only NATS' own messages have.</param>
internal delegate void BusReceiver(string subject, string? replyTo, bool isStatus, in ReadOnlySequence<byte> bytes);

/// <summary>Interest in a subject.</summary>
internal sealed class BusSubscription(string subject, BusReceiver receiver)
{
    // Replaced whole.
    private volatile Subscriber? _subscriber;

    /// <summary>
    /// Has NATS send what comes to the subject; throws what the library throws when it does not take it. Each try has a subscriber of its own: one that failed
    /// is over for the library, and could not be unsubscribed any more.
    /// </summary>
    public async ValueTask BeginAsync(INatsConnection connection, CancellationToken cancellationToken)
    {
        var subscriber = new Subscriber(connection, subject, receiver);
        await connection.AddSubAsync(subscriber, cancellationToken);
        _subscriber = subscriber;
    }

    public ValueTask EndAsync() => _subscriber?.UnsubscribeAsync() ?? ValueTask.CompletedTask;

    private sealed class Subscriber(INatsConnection connection, string subject, BusReceiver receiver)
        : NatsSubBase(connection, connection.SubscriptionManager, subject, null, null, CancellationToken.None)
    {
        protected override ValueTask ReceiveInternalAsync(
            string subject, string? replyTo, ReadOnlySequence<byte>? headersBuffer, ReadOnlySequence<byte> payloadBuffer)
        {
            receiver(subject, replyTo, headersBuffer is not null, payloadBuffer);
            return ValueTask.CompletedTask;
        }

        protected override void TryComplete()
        {
            // There is no queue.
        }
    }
}
