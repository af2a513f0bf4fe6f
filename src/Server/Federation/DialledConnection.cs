using System.Buffers;
using System.Net;
using System.Runtime.CompilerServices;
using Relay.Transport;
using Relay.Transport.Framing;

namespace Relay.Federation;

/// <summary>A connection that this relay has dialled, after its upgrade. What it sends it masks, as a client must.</summary>
internal sealed class DialledConnection(Stream stream, IPAddress address, ConnectionTable table) : Connection(table), IDisposable
{
    private const int ReadBytes = 4096;

    private readonly CancellationTokenSource _closed = new();

    // Of whoever sends; one write at a time.
    private byte[]? _masked;
    private ValueTaskAwaiter _write;
    private Action? _onWritten;

    // Set once, before the handler opens.
    private IConnectionHandler? _handler;

    /// <summary>The peer's address, as it was dialled.</summary>
    public IPAddress Address => address;

    public override FrameRole Role => FrameRole.Client;

    public override CancellationToken Closed => _closed.Token;

    protected override bool IsSocketClosed => _closed.IsCancellationRequested;

    /// <summary>Reads until the connection is over.</summary>
    public async Task RunAsync(IConnectionHandler handler)
    {
        _handler = handler;
        try
        {
            handler.OnOpened();
            do
            {
                // An idle link waits here, without a buffer.
                _ = await stream.ReadAsync(Memory<byte>.Empty);
            }
            while (await ReadAsync(handler));
        }
        catch (Exception exception) when (IsGoneError(exception))
        {
            // Reset by the peer, or ended by us.
        }
        finally
        {
            End();
            handler.OnClosed();
            OnSocketClosed();
        }
    }

    public override bool Send(ReadOnlyMemory<byte> bytes)
    {
        try
        {
            var masked = Mask(bytes.Span);

            // The single awaiter of this write.
#pragma warning disable CA2012
            _write = stream.WriteAsync(masked).GetAwaiter();
#pragma warning restore CA2012
            if (_write.IsCompleted)
            {
                _write.GetResult();
                ReturnMasked();
                return true;
            }

            _write.UnsafeOnCompleted(_onWritten ??= OnWritten);
            return false;
        }
        catch (Exception exception) when (IsGoneError(exception))
        {
            ReturnMasked();
            End();
            return true;
        }
    }

    public override void Close() => End();

    public override void Abort() => End();

    public void Dispose()
    {
        End();
        _closed.Dispose();
    }

    private static bool IsGoneError(Exception exception) =>
        exception is IOException or OperationCanceledException or ObjectDisposedException or InvalidOperationException;

    private void End()
    {
        if (!_closed.IsCancellationRequested)
        {
            _closed.Cancel();
            stream.Dispose();
        }
    }

    private void OnWritten()
    {
        try
        {
            _write.GetResult();
        }
        catch (Exception exception) when (IsGoneError(exception))
        {
            End();
        }

        ReturnMasked();
        _handler!.OnSent();
    }

    private ReadOnlyMemory<byte> Mask(ReadOnlySpan<byte> frame)
    {
        if (FrameHead.Read(frame, FrameRole.Client, isMidMessage: false, int.MaxValue, out var head) != FrameError.None)
        {
            throw new InvalidOperationException("not one whole frame");
        }

        var payload = frame[head.HeadBytes..];
        _masked = ArrayPool<byte>.Shared.Rent(FrameWriter.HeadBytes(payload.Length, FrameRole.Client) + payload.Length);
        return _masked.AsMemory(0, FrameWriter.Write(_masked, head.Opcode, payload, FrameRole.Client));
    }

    private void ReturnMasked()
    {
        if (Interlocked.Exchange(ref _masked, null) is { } masked)
        {
            ArrayPool<byte>.Shared.Return(masked);
        }
    }

    // False: the end.
    private async ValueTask<bool> ReadAsync(IConnectionHandler handler)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(ReadBytes);
        try
        {
            var read = await stream.ReadAsync(buffer.AsMemory());
            if (read == 0 || await handler.OnBytesAsync(buffer.AsMemory(0, read)))
            {
                return read > 0;
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }

        // The peer says no more: what we still send, the close frame, goes out before the end or the grace.
        await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, _closed.Token);
        return false;
    }
}
