using System.Text;
using Relay.Transport;
using Relay.Transport.Framing;

namespace Server.Tests.Support;

/// <summary>A connection in memory: the test says what comes in, and overrides what becomes of each frame that goes out.</summary>
internal abstract class FakeConnection(ConnectionTable table) : Connection(table)
{
    private readonly TaskCompletionSource _over = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private IConnectionHandler? _handler;
    private int _isOver;

    /// <summary>Ends when the handler was told that the connection is over.</summary>
    public Task Over => _over.Task;

    public bool IsAborted { get; private set; }

    public override CancellationToken Closed => new(canceled: Over.IsCompleted);

    protected override bool IsSocketClosed => false;

    public IConnectionHandler Owner => _handler ?? throw new InvalidOperationException("not open");

    public void Open(IConnectionHandler handler)
    {
        _handler = handler;
        handler.OnOpened();
    }

    /// <summary>The handler was opened in another process.</summary>
    public void Adopt(IConnectionHandler handler) => _handler = handler;

    /// <summary>One masked frame comes in.</summary>
    public ValueTask<bool> SayAsync(FrameOpcode opcode, ReadOnlySpan<byte> payload)
    {
        var frame = new byte[FrameWriter.HeadBytes(payload.Length, FrameRole.Client) + payload.Length];
        FrameWriter.Write(frame, opcode, payload, FrameRole.Client);
        return Owner.OnBytesAsync(frame);
    }

    /// <summary>The peer is gone.</summary>
    public void Cut()
    {
        if (_handler is null || Interlocked.Exchange(ref _isOver, 1) == 1)
        {
            return;
        }

        _handler.OnClosed();
        _over.TrySetResult();
    }

    /// <summary>The socket itself is closed.</summary>
    public void CloseSocket() => OnSocketClosed();

    public override void Close() => ThreadPool.QueueUserWorkItem(_ => Cut());

    public override void Abort() => IsAborted = true;

    /// <summary>A frame of the server's as "close code text" or its text.</summary>
    protected static string Read(ReadOnlySpan<byte> frame)
    {
        Assert.Equal(FrameError.None, FrameHead.Read(frame, FrameRole.Client, isMidMessage: false, int.MaxValue, out var head));
        var payload = frame[head.HeadBytes..];
        if (head.Opcode != FrameOpcode.Close)
        {
            return Encoding.UTF8.GetString(payload);
        }

        Assert.Equal(FrameError.None, CloseFrame.Read(payload, out var code));
        return $"close {code} {Encoding.UTF8.GetString(payload[Math.Min(payload.Length, CloseFrame.CodeBytes)..])}";
    }
}
