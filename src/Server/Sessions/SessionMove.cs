using Google.Protobuf;
using Relay.Addresses;
using Relay.Protocol;
using Relay.Protocol.Moving;
using Relay.RateLimiting;
using Relay.Transport.Framing;

namespace Relay.Sessions;

/// <summary>What the reading of a session waits for.</summary>
internal enum SessionWait : byte
{
    /// <summary>It reads, or waits for the peer.</summary>
    None,
    Handler,
    Memory,

    /// <summary>Its own queue is to become shorter.</summary>
    Room,

    /// <summary>Its byte rate.</summary>
    Pause,
}

/// <summary>A wait of the reading of a session.</summary>
/// <param name="Handled">The message whose handler is waited for; empty: none.</param>
/// <param name="Unread">What was received and is not read yet.</param>
internal sealed record ReadingWait(SessionWait For, ReadOnlyMemory<byte> Handled, ReadOnlyMemory<byte> Unread)
{
    public static readonly ReadingWait Pause = new(SessionWait.Pause, default, default);
}

/// <summary>The session when it moves to another process.</summary>
internal sealed partial class Session
{
    // Written by the reading side. Null: it reads, or waits for the peer.
    private volatile ReadingWait? _wait;

    /// <summary>What its reading waits for while its connection is paused.</summary>
    public SessionWait Wait => _wait?.For ?? SessionWait.None;

    /// <summary>
    /// The handler has done nothing but ask the database, which is another process' soon: handled there, the message does what it would have done here.
    /// Written by the handler.
    /// </summary>
    public volatile bool IsRepeatable;

    /// <summary>Writes down what the session is. Everything stands still.</summary>
    public MovedClient Save(MovedTime time)
    {
        var options = Services.Options;
        var (again, unread) = _wait is { } wait ? (wait.Handled, wait.Unread) : default;
        var state = new MovedClient
        {
            Session = Id,
            Address = MovedAddresses.ToMessage(Address),
            Key = MovedAddresses.ToMessage(Key),
            Subject = Subject is null ? null : new MovedSubject { Name = Subject.Name, Limit = Subject.Limit, IsUnlimited = Subject.IsUnlimited },
            Connected = time.AgeOf(ConnectedAt),
            LastMessage = time.AgeOf(LastMessage),
            LastReceived = time.AgeOf(LastReceived),
            LastPing = time.AgeOf(LastPing),
            Unregistered = time.AgeOf(UnregisteredSince),
            MessageStarted = time.AgeOf(Volatile.Read(ref MessageStarted)),
            MessagesReceived = MessagesReceived - (again.IsEmpty ? 0 : 1),
            BytesReceived = BytesReceived - again.Length,
            Reader = _reader.Save(),

            // They are counted again when they are read there.
            BytesTaken = Math.Max(0, _bytes.TakenOf(options.BytesBurst, options.BytesRefill, time.Now, time.Provider) - unread.Length - again.Length),
            Unread = again.IsEmpty ? ByteString.CopyFrom(unread.Span) : ByteString.CopyFrom([.. FrameOf(again.Span), .. unread.Span]),
        };
        SaveQueue(state, time);
        return state;
    }

    /// <summary>Goes on from there, in place of <see cref="Transport.IConnectionHandler.OnOpened"/>; of a new session. Its handler is to make its <see cref="State"/>.</summary>
    public void Restore(MovedClient state, MovedTime time)
    {
        ConnectedAt = time.TimestampOf(state.Connected);
        LastMessage = time.TimestampOf(state.LastMessage);
        LastPing = time.TimestampOf(state.LastPing);
        _lastReceived = time.TimestampOf(state.LastReceived);
        _registrations = new Registrations(time.TimestampOf(state.Unregistered));
        MessageStarted = time.TimestampOf(state.MessageStarted);
        (MessagesReceived, BytesReceived) = (state.MessagesReceived, state.BytesReceived);
        _bytes = TokenBucket.Of(state.BytesTaken, time.Now);
        _reader.Restore(state.Reader);
        RestoreQueue(state, time);
        _slot = Services.Table.Add(this);
    }

    /// <summary>From now on it is this process' alone.</summary>
    public void Arrive() => SendWaiting();

    /// <summary>Another process has it: it is here no more, and nobody is told.</summary>
    public void Depart()
    {
        Interlocked.CompareExchange(ref _ending, Ending.Of(CloseReason.PeerGone), null);
        StopSending();
        Services.Table.Remove(_slot, this);
    }

    // As the peer sent it, but for the mask, which changes nothing.
    private static byte[] FrameOf(ReadOnlySpan<byte> message)
    {
        var frame = new byte[FrameWriter.HeadBytes(message.Length, FrameRole.Client) + message.Length];
        FrameWriter.Write(frame, FrameOpcode.Text, message, FrameRole.Client);
        return frame;
    }
}
