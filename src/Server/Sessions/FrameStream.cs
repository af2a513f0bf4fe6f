using Relay.RateLimiting;

namespace Relay.Sessions;

/// <summary>
/// The upgraded connection under a WebSocket. It sees what the WebSocket keeps to itself: that bytes came (a pong is a
/// sign of life), that a write takes too long, and it lets a ping frame out between two frames without a timer per socket.
/// </summary>
internal sealed class FrameStream(Stream inner, ClientSessionOptions options, TimeProvider time) : Stream
{
    private static readonly TimeSpan OneSecond = TimeSpan.FromSeconds(1);

    // Fin, opcode 9, no payload, not masked (RFC 6455 section 5.5.2).
    private static readonly byte[] PingFrame = [0x89, 0x00];

    // Receive side only.
    private TokenBucket _bytes;
    private TimeSpan _pause;

    // Atomic.
    private long _lastReceived = time.GetTimestamp();
    private long _writeStarted;
    private int _writing;

    // Set by the sweep while it holds _writing, awaited by the WebSocket's next write.
    private volatile Task _ping = Task.CompletedTask;

    public long LastReceived => Volatile.Read(ref _lastReceived);

    /// <summary>When the write that is under way began, or 0.</summary>
    public long WriteStarted => Volatile.Read(ref _writeStarted);

    public override bool CanRead => true;

    public override bool CanWrite => true;

    public override bool CanSeek => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <summary>Sends a ping unless something is being written, which does as well to keep the way open.</summary>
    public void TryPing()
    {
        if (Interlocked.CompareExchange(ref _writing, 1, 0) == 0)
        {
            _ping = PingAsync();
        }
    }

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        // A zero-byte read only waits, and is what every idle socket is in: without a state machine of ours. The read that
        // follows it sees the bytes.
        return buffer.IsEmpty && _pause == TimeSpan.Zero
            ? inner.ReadAsync(buffer, cancellationToken)
            : ReadBytesAsync(buffer, cancellationToken);
    }

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        // The WebSocket writes one frame at a time; only the ping can be in the way, and it is two bytes. Yield covers
        // the moment between the sweep's taking of _writing and its storing of the task.
        while (Interlocked.CompareExchange(ref _writing, 1, 0) != 0)
        {
            await _ping;
            await Task.Yield();
        }

        await WriteFrameAsync(buffer, cancellationToken);
    }

    // WriteAsync flushes: Kestrel's upgraded stream does so after each write.
    public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public override void Flush()
    {
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            inner.Dispose();
        }

        base.Dispose(disposing);
    }

    private async ValueTask<int> ReadBytesAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        if (_pause > TimeSpan.Zero)
        {
            await Task.Delay(_pause, time, cancellationToken);
            _pause = TimeSpan.Zero;
        }

        var read = await inner.ReadAsync(buffer, cancellationToken);
        Volatile.Write(ref _lastReceived, time.GetTimestamp());
        if (read > 0)
        {
            _pause = _bytes.Take(read, options.BytesBurst, options.BytesBurst / (double)options.BytesPerSecond * OneSecond, time);
        }

        return read;
    }

    private async Task PingAsync()
    {
        try
        {
            await WriteFrameAsync(PingFrame, CancellationToken.None);
        }
        catch (Exception exception) when (exception is IOException or OperationCanceledException or ObjectDisposedException or InvalidOperationException)
        {
            // The connection is gone; the session's own read or write finds that out and says so.
        }
    }

    // Called with _writing held; lets go of it.
    private async Task WriteFrameAsync(ReadOnlyMemory<byte> frame, CancellationToken cancellationToken)
    {
        Volatile.Write(ref _writeStarted, time.GetTimestamp());
        try
        {
            await inner.WriteAsync(frame, cancellationToken);
        }
        finally
        {
            Volatile.Write(ref _writeStarted, 0);
            Volatile.Write(ref _writing, 0);
        }
    }
}
