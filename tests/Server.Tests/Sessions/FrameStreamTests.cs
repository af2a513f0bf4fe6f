using Microsoft.Extensions.Time.Testing;
using Relay.Sessions;

namespace Server.Tests.Sessions;

public sealed class FrameStreamTests
{
    private readonly FakeTimeProvider _time = new();

    [Fact]
    public async Task TryPing_NothingWritten_SendsAPing()
    {
        using var inner = new MemoryStream();
        using var frames = new FrameStream(inner, new ClientSessionOptions(), _time);

        frames.TryPing();
        await frames.WriteAsync(new byte[] { 1, 2, 3 }, TestContext.Current.CancellationToken);
        frames.TryPing();

        Assert.Equal([0x89, 0, 1, 2, 3, 0x89, 0], inner.ToArray());
        Assert.Equal(0, frames.WriteStarted);
    }

    [Fact]
    public async Task ReadAsync_Bytes_AreASignOfLife()
    {
        using var inner = new MemoryStream(new byte[10]);
        using var frames = new FrameStream(inner, new ClientSessionOptions(), _time);
        _time.Advance(TimeSpan.FromSeconds(5));

        Assert.Equal(10, await frames.ReadAsync(new byte[10], TestContext.Current.CancellationToken));
        Assert.Equal(_time.GetTimestamp(), frames.LastReceived);
    }

    [Fact]
    public async Task ReadAsync_OverTheRate_WaitsUntilTheBucketHasRefilled()
    {
        using var inner = new MemoryStream(new byte[5000]);
        using var frames = new FrameStream(inner, new ClientSessionOptions { BytesBurst = 2048, BytesPerSecond = 1024 }, _time);
        Assert.Equal(3072, await frames.ReadAsync(new byte[3072], TestContext.Current.CancellationToken));

        var second = frames.ReadAsync(new byte[10], TestContext.Current.CancellationToken).AsTask();
        _time.Advance(TimeSpan.FromSeconds(0.9));
        Assert.False(second.IsCompleted);
        _time.Advance(TimeSpan.FromSeconds(0.2));

        Assert.Equal(10, await second);
    }
}
