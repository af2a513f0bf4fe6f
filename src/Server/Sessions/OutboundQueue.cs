using Relay.Addresses;
using Relay.Memory;
using Relay.Protocol;
using Relay.RateLimiting;

namespace Relay.Sessions;

/// <summary>A message that waits, with the address that it counts against where another client caused it.</summary>
internal readonly record struct QueuedMessage(EncodedMessage Message, SendKind Kind, IpKey Sender);

/// <summary>
/// What waits to be sent to one socket, bounded by count and by bytes. It exists only while something waits and goes back
/// to a pool then: most sockets are idle most of the time. What the receiver asked for is counted by itself, so that nobody else can fill
/// its place. Not thread-safe; <see cref="FrameSender"/> guards it.
/// </summary>
internal sealed class OutboundQueue
{
    private readonly Queue<QueuedMessage> _messages = [];

    // What each address has waiting, in the measure of Weigh. Few at a time.
    private readonly Dictionary<IpKey, int> _senders = [];
    private Load _asked;
    private Load _frames;
    private int _unasked;
    private TaskCompletionSource? _room;

    public int Count => _messages.Count;

    public long Bytes { get; private set; }

    /// <summary>Where what waits counts.</summary>
    public MemoryBudget Memory { get; set; } = MemoryBudget.Unlimited;

    /// <summary>Bytes of the budget that it holds; less than <see cref="Bytes"/> where others keep the same messages.</summary>
    public long HeldBytes => _messages.Sum(queued => (long)EncodedMessage.PartSize(queued.Message.Owner));

    /// <summary>What waits, the oldest first.</summary>
    internal IEnumerable<QueuedMessage> Messages => _messages;

    /// <summary>True while something waits that the receiver asked for.</summary>
    public bool HasAsked => _asked.Messages > 0;

    /// <summary>
    /// False: it is full, and the message is still the caller's. Frames get half of the queue at most. What other clients send has its
    /// <see cref="TryAddUnasked">share</see> beside these; <paramref name="displaced"/> says how many such messages had to go.
    /// </summary>
    public bool TryAdd(in QueuedMessage message, ClientSessionOptions options, out int displaced)
    {
        displaced = 0;
        if (Memory.IsExhausted)
        {
            return false;
        }

        var length = message.Message.Length;
        var fits = message.Kind switch
        {
            SendKind.Asked => _asked.Fits(length, options, divisor: 1),
            SendKind.Frame => (_asked + _frames).Fits(length, options, divisor: 2),
            _ => TryAddUnasked(message, options, out displaced),
        };
        if (fits)
        {
            _messages.Enqueue(message);
            Account(message, 1, options);
        }

        return fits;
    }

    /// <summary>Adds what has waited in another process, whether it fits or not: it was checked there.</summary>
    public void Restore(in QueuedMessage message, ClientSessionOptions options)
    {
        _messages.Enqueue(message);
        Account(message, 1, options);
    }

    /// <summary>The message that has waited longest, which is the caller's from here on.</summary>
    public bool TryTake(out QueuedMessage message, ClientSessionOptions options)
    {
        if (!_messages.TryDequeue(out message))
        {
            return false;
        }

        Account(message, -1, options);
        if (HasRoom(options))
        {
            StopWaiting();
        }

        return true;
    }

    /// <summary>Drops all that waits and says how many messages it was.</summary>
    public int Clear(ClientSessionOptions options)
    {
        var count = Count;
        while (TryTake(out var message, options))
        {
            message.Message.Return();
        }

        return count;
    }

    /// <summary>
    /// Done when at most half of the queue is taken by what the receiver asked for, or <see cref="StopWaiting"/> was called. Whoever
    /// reads from the socket waits for this before the next message: many messages sent at once, whose answers nobody had time to send
    /// yet, make no slow receiver. What others send holds nobody up.
    /// </summary>
    public Task RoomAsync(ClientSessionOptions options)
    {
        if (HasRoom(options))
        {
            return Task.CompletedTask;
        }

        _room ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        return _room.Task;
    }

    /// <summary>Resumes the reader that waits for space.</summary>
    public void StopWaiting()
    {
        _room?.SetResult();
        _room = null;
    }

    // An address has its share, or one message that is larger. When the share of all is full there is still a place for who has nothing
    // waiting: a message of whoever has most goes, unless that is the new one.
    private bool TryAddUnasked(in QueuedMessage message, ClientSessionOptions options, out int displaced)
    {
        displaced = 0;
        var weight = Weigh(message, options);
        var own = _senders.GetValueOrDefault(message.Sender);
        if (own > 0 && own + weight > options.QueueBytes / options.SenderDivisor)
        {
            return false;
        }

        var max = options.QueueBytes / options.UnaskedDivisor;
        if (_unasked == 0 || _unasked + weight <= max)
        {
            return true;
        }

        if (own > 0)
        {
            return false;
        }

        var shares = new FairShares();
        foreach (var (sender, held) in _senders)
        {
            shares.Add(sender, held);
        }

        shares.Add(message.Sender, weight);
        while (_unasked > 0 && _unasked + weight > max)
        {
            var largest = shares.Largest(message.Sender);
            if (largest == message.Sender)
            {
                return false;
            }

            shares.Add(largest, -DropNewest(largest, options));
            displaced++;
        }

        return true;
    }

    /// <summary>Drops the last message of an address and gives its weight.</summary>
    private int DropNewest(IpKey sender, ClientSessionOptions options)
    {
        var (place, newest) = (0, 0);
        foreach (var message in _messages)
        {
            place++;
            newest = message.Kind == SendKind.Unasked && message.Sender == sender ? place : newest;
        }

        QueuedMessage dropped = default;
        for (place = _messages.Count; place > 0; place--)
        {
            var message = _messages.Dequeue();
            if (--newest == 0)
            {
                dropped = message;
            }
            else
            {
                _messages.Enqueue(message);
            }
        }

        Account(dropped, -1, options);
        dropped.Message.Return();
        return Weigh(dropped, options);
    }

    private void Account(in QueuedMessage message, int sign, ClientSessionOptions options)
    {
        var length = sign * message.Message.Length;
        Bytes += length;
        if (sign > 0)
        {
            message.Message.Keep(Memory);
        }
        else
        {
            message.Message.Unkeep(Memory);
        }

        switch (message.Kind)
        {
            case SendKind.Asked:
                _asked += new Load(sign, length);
                break;
            case SendKind.Frame:
                _frames += new Load(sign, length);
                break;
            default:
                var weight = sign * Weigh(message, options);
                _unasked += weight;
                if (_senders.GetValueOrDefault(message.Sender) + weight is > 0 and var held)
                {
                    _senders[message.Sender] = held;
                }
                else
                {
                    _senders.Remove(message.Sender);
                }

                break;
        }
    }

    // Many small messages take as many places as they could: each counts as the place that it takes.
    private static int Weigh(in QueuedMessage message, ClientSessionOptions options) =>
        Math.Max(message.Message.Length, Math.Max(options.QueueBytes / options.QueueMessages, 1));

    private bool HasRoom(ClientSessionOptions options) =>
        _asked.Messages <= options.QueueMessages / 2 && _asked.Bytes <= options.QueueBytes / 2;

    private readonly record struct Load(int Messages, long Bytes)
    {
        public bool Fits(int length, ClientSessionOptions options, int divisor) =>
            Messages < options.QueueMessages / divisor && Bytes + length <= options.QueueBytes / divisor;

        public static Load operator +(Load a, Load b) => new(a.Messages + b.Messages, a.Bytes + b.Bytes);
    }
}
