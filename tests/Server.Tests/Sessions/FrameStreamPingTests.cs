using Relay.Sessions;

namespace Server.Tests.Sessions;

/// <summary>A ping goes between two frames, never into one, however slow the connection is.</summary>
public sealed class FrameStreamPingTests
{
    private static readonly TimeSpan Wait = TimeSpan.FromSeconds(10);

    [Fact]
    public async Task TryPing_AFrameIsBeingWritten_LeavesThePingOut()
    {
        await using var slow = new SlowStream();
        await using var frames = new FrameStream(slow, new ClientSessionOptions(), TimeProvider.System);
        var frame = frames.WriteAsync(new byte[] { 1, 2, 3 }, TestContext.Current.CancellationToken).AsTask();
        Assert.NotEqual(0, frames.WriteStarted);
        frames.TryPing();
        slow.Let();
        await frame.WaitAsync(Wait, TestContext.Current.CancellationToken);
        Assert.Equal([1, 2, 3], slow.Written);
        Assert.Equal(0, frames.WriteStarted);
    }

    [Fact]
    public async Task WriteAsync_APingIsBeingWritten_WaitsForIt()
    {
        await using var slow = new SlowStream();
        await using var frames = new FrameStream(slow, new ClientSessionOptions(), TimeProvider.System);
        frames.TryPing();
        var frame = frames.WriteAsync(new byte[] { 1, 2, 3 }, TestContext.Current.CancellationToken).AsTask();
        Assert.Equal(1, slow.Begun);
        slow.Let();
        await slow.SecondBegan.WaitAsync(Wait, TestContext.Current.CancellationToken);
        slow.Let();
        await frame.WaitAsync(Wait, TestContext.Current.CancellationToken);
        Assert.Equal([0x89, 0x00, 1, 2, 3], slow.Written);
    }

    [Fact]
    public async Task TryPing_TheConnectionIsGone_IsQuietAndLetsTheNextWriteFail()
    {
        await using var slow = new SlowStream { Broken = true };
        await using var frames = new FrameStream(slow, new ClientSessionOptions(), TimeProvider.System);
        frames.TryPing();
        await Assert.ThrowsAsync<IOException>(
            () => frames.WriteAsync(new byte[] { 1 }, TestContext.Current.CancellationToken).AsTask().WaitAsync(Wait, TestContext.Current.CancellationToken));
    }

    /// <summary>Each write waits until it is let through.</summary>
    private sealed class SlowStream : MemoryStream
    {
        private readonly SemaphoreSlim _gate = new(0);
        private readonly TaskCompletionSource _second = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private int _begun;

        public bool Broken { get; init; }

        public byte[] Written => ToArray();

        public int Begun => Volatile.Read(ref _begun);

        public Task SecondBegan => _second.Task;

        public void Let() => _gate.Release();

        public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            if (Broken)
            {
                throw new IOException("gone");
            }

            if (Interlocked.Increment(ref _begun) == 2)
            {
                _second.SetResult();
            }

            await _gate.WaitAsync(cancellationToken);
            Write(buffer.Span);
        }

        protected override void Dispose(bool disposing)
        {
            _gate.Dispose();
            base.Dispose(disposing);
        }
    }
}
