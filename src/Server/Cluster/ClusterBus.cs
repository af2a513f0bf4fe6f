using System.Buffers;
using System.Globalization;
using System.Security.Cryptography;
using System.Threading.Channels;
using Google.Protobuf;
using NATS.Client.Core;
using Relay.Cluster.V1;

namespace Relay.Cluster;

/// <summary>
/// What the relays of a cluster say to each other, over NATS. What one sends leaves in the order in which it was sent, and is
/// handled in that order by each that hears it. While NATS is away nothing is kept: whoever sends is told.
/// </summary>
internal sealed partial class ClusterBus : IHostedService, IAsyncDisposable
{
    private static readonly TimeSpan BetweenReports = TimeSpan.FromSeconds(10);

    private readonly ClusterOptions _options;
    private readonly ClusterNode _node;
    private readonly ClusterSubjects _subjects;
    private readonly ClusterConnection _connection;
    private readonly Questions _questions;
    private readonly TimeProvider _time;
    private readonly ILogger<ClusterBus> _logger;
    private readonly Channel<Outgoing> _outbox;
    private readonly string _inbox;

    // Written at start.
    private Task _sender = Task.CompletedTask;

    // Atomic.
    private long _waitingBytes;
    private long _reportedAt;
    private long _sent;
    private long _received;
    private long _refused;

    public ClusterBus(
        ClusterOptions options,
        ClusterNode node,
        ClusterSubjects subjects,
        ClusterConnection connection,
        Questions questions,
        TimeProvider time,
        ILogger<ClusterBus> logger)
    {
        (_options, _node, _subjects, _connection, _questions, _time, _logger) = (options, node, subjects, connection, questions, time, logger);
        _outbox = Channel.CreateBounded<Outgoing>(new BoundedChannelOptions(options.MaxWaiting) { SingleReader = true });

        // Not to be guessed: who may publish on NATS and not listen cannot answer in another's place.
        _inbox = $"_INBOX.relay.{options.Name}.{RandomNumberGenerator.GetHexString(32, lowercase: true)}.";
    }

    /// <summary>Raised with a message of a version that this relay does not understand, where NATS' connection is read. Nobody handles it.</summary>
    public event Action<Envelope>? Unsupported;

    public bool IsUp => _connection.IsUp;

    public BusTraffic Traffic { get; } = new();

    /// <summary>Messages that wait to be sent.</summary>
    public int Waiting => _outbox.Reader.Count;

    /// <summary>Messages sent and received, and those that came and were not understood.</summary>
    public (long Sent, long Received, long Refused) Counts => (Interlocked.Read(ref _sent), Interlocked.Read(ref _received), Interlocked.Read(ref _refused));

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        await _connection.StartAsync(cancellationToken);
        await _connection.SubscribeAsync(new BusSubscription(_inbox + "*", ReceiveAnswer));
        _sender = SendAllAsync(_connection.Nats!);
        await RequireOwnNameAsync();
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        _outbox.Writer.TryComplete();
        await _sender.WaitAsync(cancellationToken);
    }

    public ValueTask DisposeAsync()
    {
        _outbox.Writer.TryComplete();
        return _connection.DisposeAsync();
    }

    /// <summary>Sends to whoever listens; false: NATS is away, or too much waits already.</summary>
    /// <param name="message">Becomes the bus's: who sends it is filled in.</param>
    public bool TrySend(string subject, Envelope message, string? replyTo = null)
    {
        if (!IsUp)
        {
            return false;
        }

        // The sequence is as long as any; it is given when the message leaves.
        (message.Version, message.Node, message.Epoch, message.Sequence) = (ClusterNode.Version, _node.Name, _node.Epoch, ulong.MaxValue);
        var size = message.CalculateSize();
        if (size > _options.MaxMessageBytes)
        {
            return false;
        }

        if (Interlocked.Add(ref _waitingBytes, size) <= _options.MaxWaitingBytes && _outbox.Writer.TryWrite(new Outgoing(subject, message, size, replyTo)))
        {
            return true;
        }

        Interlocked.Add(ref _waitingBytes, -size);
        return false;
    }

    /// <summary>A message says what no relay of this version does: it is counted, and ignored.</summary>
    public void Refuse(in ClusterMessage message)
    {
        Interlocked.Increment(ref _refused);
        if (MayReport())
        {
            Log.NotUnderstood(_logger, $"its {message.Envelope.BodyCase}, from node {message.Envelope.Node}, is not valid");
        }
    }

    /// <summary>Answers a question.</summary>
    public void Reply(in ClusterMessage question, Envelope answer)
    {
        if (question.ReplyTo is { } inbox)
        {
            TrySend(inbox, answer);
        }
    }

    /// <summary>Sends and waits for the first answer. Questions leave in the order of the calls.</summary>
    /// <param name="timeout">How long the answer may take; null: <see cref="ClusterOptions.AnswerTimeout"/>.</param>
    public Task<Answer> AskAsync(string subject, Envelope message, TimeSpan? timeout = null)
    {
        var (number, answer) = _questions.Open(timeout);
        if (!TrySend(subject, message, string.Create(CultureInfo.InvariantCulture, $"{_inbox}{number}")))
        {
            _questions.End(number, new Answer(AnswerStatus.Away));
        }

        return answer;
    }

    /// <summary>
    /// Listens to a subject until <see cref="UnsubscribeAsync"/>. Others are heard for certain when <see cref="FlushAsync"/> has
    /// returned true. While NATS is away the subscription is made when it is back.
    /// </summary>
    /// <param name="handler">Called where the connection is read, one message after another: it returns at once.</param>
    public async ValueTask<BusSubscription> SubscribeAsync(string subject, Action<ClusterMessage> handler)
    {
        var subscription = new BusSubscription(
            subject, (string _, string? replyTo, bool _, in ReadOnlySequence<byte> bytes) => Receive(handler, replyTo, bytes));
        await _connection.SubscribeAsync(subscription);
        return subscription;
    }

    /// <summary>Listens to what is sent to this start of this relay, as <see cref="SubscribeAsync"/>.</summary>
    public ValueTask<BusSubscription> SubscribeToOwnAsync(string matter, Action<ClusterMessage> handler) =>
        SubscribeAsync(_subjects.Node(_node.Epoch, matter), handler);

    public ValueTask UnsubscribeAsync(BusSubscription subscription) => _connection.UnsubscribeAsync(subscription);

    /// <summary>Waits until NATS has done all that it was asked before; false: it is away.</summary>
    public Task<bool> FlushAsync() => _connection.FlushAsync();

    private void Receive(Action<ClusterMessage> handler, string? replyTo, in ReadOnlySequence<byte> bytes)
    {
        if (TryRead(bytes) is not { } envelope)
        {
            return;
        }

        try
        {
            handler(new ClusterMessage(envelope, replyTo));
        }
        catch (Exception exception)
        {
            // Thrown from here it would end what reads NATS' connection.
            Interlocked.Increment(ref _refused);
            if (MayReport())
            {
                Log.Failed(_logger, exception, envelope.BodyCase, envelope.Node);
            }
        }
    }

    // An answer, or NATS' own word that nobody listens.
    private void ReceiveAnswer(string subject, string? replyTo, bool isStatus, in ReadOnlySequence<byte> bytes)
    {
        if (isStatus)
        {
            _questions.End(subject, null);
        }
        else if (TryRead(bytes) is { } envelope)
        {
            _questions.End(subject, envelope);
        }
    }

    private Envelope? TryRead(in ReadOnlySequence<byte> bytes)
    {
        Interlocked.Increment(ref _received);
        var problem = bytes.Length > _options.MaxMessageBytes ? "it is too long" : null;
        try
        {
            var envelope = problem is null ? Envelope.Parser.ParseFrom(bytes) : null;
            if (envelope?.Version is < ClusterNode.Version - 1 or > ClusterNode.Version + 1 or 0)
            {
                Interlocked.Increment(ref _refused);
                Unsupported?.Invoke(envelope);
                return null;
            }

            if (envelope is not null && envelope.BodyCase != Envelope.BodyOneofCase.None)
            {
                Traffic.Received(envelope.BodyCase, bytes.Length);
                return envelope;
            }
        }
        catch (InvalidProtocolBufferException)
        {
            problem = "it is no message of a relay";
        }

        Interlocked.Increment(ref _refused);
        if (problem is not null && MayReport())
        {
            Log.NotUnderstood(_logger, problem);
        }

        return null;
    }

    // Asked again when others hear this one: of two that start at once the older stays.
    private async Task RequireOwnNameAsync()
    {
        var subject = _subjects.Name(_node.Name);
        var before = await AskAsync(subject, new Envelope { Hello = new Hello() });
        await SubscribeAsync(subject, message => Reply(message, new Envelope { Acknowledged = new Acknowledged() }));
        await FlushAsync();
        var after = await AskAsync(subject, new Envelope { Hello = new Hello() });
        if (before.Status == AnswerStatus.Answered || (after.Status == AnswerStatus.Answered && after.Message!.Epoch < _node.Epoch))
        {
            throw new ClusterException($"there is a relay called {_node.Name} in the cluster {_options.Name} already; give this one another name with Cluster:Node");
        }
    }

    private async Task SendAllAsync(INatsConnection nats)
    {
        var sequence = 0UL;
        await foreach (var outgoing in _outbox.Reader.ReadAllAsync())
        {
            outgoing.Message.Sequence = ++sequence;
            Interlocked.Add(ref _waitingBytes, -outgoing.Size);
            if (!IsUp)
            {
                continue;
            }

            try
            {
                await nats.PublishAsync(outgoing.Subject, outgoing.Message, replyTo: outgoing.ReplyTo, serializer: EnvelopeSerializer.Instance).AsTask().WaitAsync(_options.AnswerTimeout, _time);
                Interlocked.Increment(ref _sent);
                Traffic.Sent(outgoing.Message.BodyCase, outgoing.Size);
            }
            catch (Exception exception)
            {
                // Whatever it was, also a wait for the next connection: this message is lost, and the next one is sent.
                if (MayReport())
                {
                    Log.NotSent(_logger, exception.Message);
                }
            }
        }
    }

    private bool MayReport()
    {
        var before = Interlocked.Read(ref _reportedAt);
        var now = _time.GetTimestamp();
        return (before == 0 || _time.GetElapsedTime(before, now) >= BetweenReports) && Interlocked.CompareExchange(ref _reportedAt, now, before) == before;
    }

    private readonly record struct Outgoing(string Subject, Envelope Message, int Size, string? ReplyTo);

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "Ignored a message of the cluster: {Problem}")]
        public static partial void NotUnderstood(ILogger logger, string problem);

        [LoggerMessage(2, LogLevel.Error, "A message {Kind} of node {Node} could not be handled")]
        public static partial void Failed(ILogger logger, Exception exception, Envelope.BodyOneofCase kind, string node);

        [LoggerMessage(3, LogLevel.Warning, "A message to the cluster could not be sent: {Problem}")]
        public static partial void NotSent(ILogger logger, string problem);
    }
}
