using System.Collections.Concurrent;
using Relay.Transport;
using Server.Tests.Support;

namespace Server.Tests.Sessions;

/// <summary>Keeps what it is given while it is slow.</summary>
internal sealed class KeepingConnection(ConnectionTable table, CancellationTokenSource gone) : FakeConnection(table)
{
    private readonly ConcurrentQueue<string> _sent = [];
    private readonly Lock _lock = new();
    private byte[]? _kept;

    public bool IsSlow { get; set; }

    /// <summary>What comes next waits until this has ended.</summary>
    public Task<bool> Reading { get; set; } = Task.FromResult(true);

    public IReadOnlyList<string> Sent => [.. _sent];

    public override CancellationToken Closed => gone.Token;

    public override bool Send(ReadOnlyMemory<byte> bytes)
    {
        lock (_lock)
        {
            Assert.Null(_kept);
            if (IsSlow)
            {
                _kept = bytes.ToArray();
                return false;
            }

            _sent.Enqueue(Read(bytes.Span));
            return true;
        }
    }

    /// <summary>What was kept has gone, and it is slow no longer.</summary>
    public void LetGo()
    {
        lock (_lock)
        {
            IsSlow = false;
            if (_kept is not { } kept)
            {
                return;
            }

            _sent.Enqueue(Read(kept));
            _kept = null;
        }

        Owner.OnSent();
    }

    /// <summary>The peer sends no more.</summary>
    public void BreakOff() => gone.Cancel();
}
