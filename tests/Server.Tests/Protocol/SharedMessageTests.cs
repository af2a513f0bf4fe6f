using System.Buffers;
using Relay.Protocol;

namespace Server.Tests.Protocol;

/// <summary>
/// One thread's pool hands out the array that was returned to it last: so it shows whether one was returned, and whether twice.
/// </summary>
public sealed class SharedMessageTests
{
    private const int Size = 300;

    [Fact]
    public void Share_AnyNumber_ArrayIsReturnedByTheLastOnly()
    {
        var array = Take();
        var shared = new SharedMessage(new EncodedMessage(array, 7, receivedAt: 42));
        var shares = Enumerable.Range(0, 3).Select(_ => shared.Share()).ToList();
        Assert.All(shares, share => Assert.Equal((7, 42L), (share.Length, share.ReceivedAt)));
        Assert.All(shares, share => Assert.True(share.Bytes.Span == array.AsSpan(EncodedMessage.HeadRoom, 7)));

        shared.Dispose();
        shares[0].Return();
        shares[1].Return();
        Assert.NotSame(array, Take());

        shares[2].Return();
        Assert.Same(array, Take());
        Assert.NotSame(array, Take());
    }

    [Fact]
    public void Dispose_NothingShared_ReturnsTheArray()
    {
        var array = Take();

        new SharedMessage(new EncodedMessage(array, 1)).Dispose();

        Assert.Same(array, Take());
        Assert.NotSame(array, Take());
    }

    /// <summary>While a share is out nobody else can rent the array and write to it.</summary>
    [Fact]
    public void Return_FromManyThreads_NeverTooEarly()
    {
        var wrong = 0;
        for (var round = 0; round < 200; round++)
        {
            var array = Take();
            array[EncodedMessage.HeadRoom] = 1;
            using var shared = new SharedMessage(new EncodedMessage(array, Size));
            Parallel.For(0, 8, _ =>
            {
                var share = shared.Share();
                Thread.Yield();
                Interlocked.Add(ref wrong, share.Bytes.Span[0] == 1 ? 0 : 1);
                share.Return();
                var other = Take();
                other[EncodedMessage.HeadRoom] = 2;
                ArrayPool<byte>.Shared.Return(other);
            });
        }

        Assert.Equal(0, wrong);
    }

    private static byte[] Take() => ArrayPool<byte>.Shared.Rent(Size);
}
