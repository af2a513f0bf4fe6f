using System.Collections.Concurrent;
using Relay.Transport;

namespace Server.Tests.Support;

/// <summary>A connection that keeps what it is given until the test lets it go. Checks that one sends at a time.</summary>
internal sealed class SlowConnection(ConnectionTable table) : FakeConnection(table)
{
    private readonly ConcurrentQueue<string> _sent = [];
    private int _sending;
    private ReadOnlyMemory<byte> _kept;

    /// <summary>True: the next frame is kept, and stays the sender's, until <see cref="LetGo"/>.</summary>
    public bool IsSlow { get; set; }

    /// <summary>Chooses for each frame instead; what it keeps goes on the pool.</summary>
    public Func<bool>? KeepsNext { get; init; }

    /// <summary>What has gone, in order.</summary>
    public IReadOnlyList<string> Sent => [.. _sent];

    public override bool Send(ReadOnlyMemory<byte> bytes)
    {
        Assert.Equal(0, Interlocked.Exchange(ref _sending, 1));
        _kept = bytes;
        if (KeepsNext?.Invoke() ?? IsSlow)
        {
            if (KeepsNext is not null)
            {
                ThreadPool.QueueUserWorkItem(_ => LetGo());
            }

            return false;
        }

        Finish();
        return true;
    }

    /// <summary>What was kept has gone.</summary>
    public void LetGo()
    {
        Finish();
        Owner.OnSent();
    }

    private void Finish()
    {
        _sent.Enqueue(Read(_kept.Span));
        Assert.Equal(1, Interlocked.Exchange(ref _sending, 0));
    }
}
