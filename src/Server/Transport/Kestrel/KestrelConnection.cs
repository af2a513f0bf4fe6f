using System.Buffers;
using System.IO.Pipelines;
using System.Net;
using System.Runtime.CompilerServices;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http.Features;
using Relay.Addresses;

namespace Relay.Transport.Kestrel;

/// <summary>A connection that Kestrel carries: TLS, and every system but Linux. One reading loop; sending goes straight to the stream.</summary>
internal sealed class KestrelConnection : Connection
{
    /// <summary>What each of Kestrel's pipes holds at most. With TLS there are two in each direction.</summary>
    public const int MaxPipeBytes = 64 * 1024;

    private const int ReadBytes = 4096;
    private static readonly TaskCompletionSource Finished = MakeFinished();

    private readonly ConnectionContext _inner;

    // Set once, before the handler opens.
    private Stream _stream = Stream.Null;
    private IConnectionHandler? _handler;

    // The reading loop's: the peer has finished, and Kestrel still sends what it has, an answer or the last messages.
    private volatile bool _isEndingInOrder;

    // The reading loop's; anybody reads.
    private volatile bool _isPaused;

    // Atomic. Made by the reading loop when it has nothing left to read and the end is not there yet: an idle socket has none.
    private TaskCompletionSource? _finished;

    // The write that is under way, of whoever sends; its continuation is made at the first one that has to wait.
    private ValueTaskAwaiter _write;
    private Action? _onWritten;

    public KestrelConnection(ConnectionContext inner, ConnectionTable table, ClientAddressRule clientAddress)
        : base(table)
    {
        (_inner, ClientAddress) = (inner, clientAddress);
        inner.Features.Set(this);
    }

    public override ClientAddressRule ClientAddress { get; }

    public override EndPoint? LocalEndPoint => _inner.LocalEndPoint;

    public override CancellationToken Closed => _inner.ConnectionClosed;

    public override int BufferBytes => _isPaused ? ReadBytes + PipeBytes : 0;

    protected override int PipeBytes => 2 * MaxPipeBytes;

    protected override bool IsSocketClosed => _inner.Features.Get<IConnectionSocketFeature>()?.Socket.SafeHandle.IsClosed ?? false;

    /// <summary>What Kestrel is given in place of its own connection: the moment its DisposeAsync returns, the socket is closed.</summary>
    public ConnectionContext Context => new Tracked(this);

    /// <summary>Reads until the connection is over.</summary>
    public async Task RunAsync(IHttpUpgradeFeature upgrade, IConnectionHandler handler)
    {
        _handler = handler;
        try
        {
            _stream = await upgrade.UpgradeAsync();
            handler.OnOpened();
            do
            {
                // An idle socket waits here, without a buffer.
                _ = await _stream.ReadAsync(Memory<byte>.Empty);
            }
            while (await ReadAsync(handler));
            _isEndingInOrder = true;
        }
        catch (Exception exception) when (IsGoneError(exception))
        {
            // Reset by the peer, or by us.
        }
        catch
        {
            Abort();
            throw;
        }
        finally
        {
            handler.OnClosed();
            _isEndingInOrder = false;
        }
    }

    public override bool Send(ReadOnlyMemory<byte> bytes)
    {
        try
        {
            // The single awaiter of this write.
#pragma warning disable CA2012
            _write = _stream.WriteAsync(bytes).GetAwaiter();
#pragma warning restore CA2012
            if (_write.IsCompleted)
            {
                _write.GetResult();
                return true;
            }

            _write.UnsafeOnCompleted(_onWritten ??= OnWritten);
            return false;
        }
        catch (Exception exception) when (IsWriteError(exception))
        {
            Abort();
            return true;
        }
    }

    public override void Close() => Finish();

    public override void Abort()
    {
        if (!_isEndingInOrder)
        {
            _inner.Abort();
        }

        Finish();
    }

    // A send after Kestrel has ended the response finds its stream disposed.
    private static bool IsGoneError(Exception exception) => exception is IOException or OperationCanceledException or ObjectDisposedException;

    // A pipe that Kestrel completes at the same moment refuses what is written to it in this way.
    private static bool IsWriteError(Exception exception) => IsGoneError(exception) || exception is InvalidOperationException;

    private void OnWritten()
    {
        try
        {
            _write.GetResult();
        }
        catch (Exception exception) when (IsWriteError(exception))
        {
            Abort();
        }

        _handler!.OnSent();
    }

    // False: the end.
    private async ValueTask<bool> ReadAsync(IConnectionHandler handler)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(ReadBytes);
        try
        {
            var read = await _stream.ReadAsync(buffer.AsMemory());
            if (read == 0)
            {
                return false;
            }

            await Standstill.EnterAsync();
            ValueTask<bool> handled;
            try
            {
                handled = handler.OnBytesAsync(buffer.AsMemory(0, read));
            }
            finally
            {
                Standstill.Leave();
            }

            if (handled.IsCompleted ? handled.GetAwaiter().GetResult() : await WaitAsync(handled))
            {
                return true;
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }

        await FinishedAsync();
        return false;
    }

    // While a handler is not done, pipes fill up behind it.
    private async ValueTask<bool> WaitAsync(ValueTask<bool> handled)
    {
        _isPaused = true;
        Memory.Add(ReadBytes + PipeBytes);
        try
        {
            return await handled;
        }
        finally
        {
            _isPaused = false;
            Memory.Release(ReadBytes + PipeBytes);
        }
    }

    private Task FinishedAsync()
    {
        var own = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        return (Interlocked.CompareExchange(ref _finished, own, null) ?? own).Task;
    }

    private void Finish() => Interlocked.Exchange(ref _finished, Finished)?.TrySetResult();

    private static TaskCompletionSource MakeFinished()
    {
        var finished = new TaskCompletionSource();
        finished.SetResult();
        return finished;
    }

    /// <summary>Kestrel's view of the connection.</summary>
    private sealed class Tracked(KestrelConnection connection) : ConnectionContext
    {
        public override string ConnectionId
        {
            get => connection._inner.ConnectionId;
            set => connection._inner.ConnectionId = value;
        }

        public override IFeatureCollection Features => connection._inner.Features;

        public override IDictionary<object, object?> Items
        {
            get => connection._inner.Items;
            set => connection._inner.Items = value;
        }

        public override IDuplexPipe Transport
        {
            get => connection._inner.Transport;
            set => connection._inner.Transport = value;
        }

        // Kestrel would abort at a FIN, also where it has yet to answer the request before it. It finds every end by reading and writing.
        public override CancellationToken ConnectionClosed { get; set; } = CancellationToken.None;

        public override EndPoint? LocalEndPoint
        {
            get => connection._inner.LocalEndPoint;
            set => connection._inner.LocalEndPoint = value;
        }

        public override EndPoint? RemoteEndPoint
        {
            get => connection._inner.RemoteEndPoint;
            set => connection._inner.RemoteEndPoint = value;
        }

        public override void Abort() => connection.Abort();

        public override void Abort(ConnectionAbortedException abortReason)
        {
            connection._inner.Abort(abortReason);
            connection.Finish();
        }

        public override async ValueTask DisposeAsync()
        {
            try
            {
                // Data that a peer does not read must not keep its socket, and its lease, for ever.
                if (!connection.IsGone)
                {
                    connection.CloseSoon();
                }

                await connection._inner.DisposeAsync();
            }
            finally
            {
                connection.OnSocketClosed();
                await base.DisposeAsync();
            }
        }
    }
}
