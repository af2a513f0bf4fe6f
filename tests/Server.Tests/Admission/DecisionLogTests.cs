using Microsoft.Extensions.Time.Testing;
using Relay.Admission;

namespace Server.Tests.Admission;

public sealed class DecisionLogTests
{
    private const int Ring = 16;
    private readonly FakeTimeProvider _time = new();
    private readonly DecisionLog _log;

    public DecisionLogTests() => _log = new DecisionLog(_time, Ring);

    [Theory]
    [InlineData(0, 10, new int[0])]
    [InlineData(3, 10, new[] { 2, 1, 0 })]
    [InlineData(3, 2, new[] { 2, 1 })]
    [InlineData(3, 0, new int[0])]
    [InlineData(Ring, 3, new[] { 15, 14, 13 })]
    [InlineData(Ring + 1, 3, new[] { 16, 15, 14 })]
    public void Last_SoMany_AreTheNewestFirst(int recorded, int most, int[] expected)
    {
        Record(0, recorded);

        Assert.Equal(expected, _log.Last(most, _ => true).Select(logged => (int)logged.Sequence));
    }

    [Fact]
    public void Last_MoreThanTheRing_IsTheRing()
    {
        Record(0, (5 * Ring) + 3);

        Assert.Equal(Enumerable.Range((4 * Ring) + 3, Ring).Reverse(), _log.Last(int.MaxValue, _ => true).Select(logged => (int)logged.Address.Low));
        Assert.Equal([(4 * Ring) + 4], _log.Last(1, logged => logged.Sequence < (4 * Ring) + 5).Select(logged => (int)logged.Sequence));
    }

    [Fact]
    public async Task Record_LeftOut_IsNeitherRememberedNorTold()
    {
        using var follower = _log.Follow();
        _log.Record(Books.Key(1), new Decision { IsLogged = false });

        Assert.Empty(_log.Last(10, _ => true));
        Assert.Empty(await ToldAsync(follower));
    }

    [Fact]
    public async Task Follow_Several_EachIsToldWhatComesWhileItFollows()
    {
        using var first = _log.Follow();
        Record(0, 2);
        using var second = _log.Follow();
        Record(2, 2);
        second.Dispose();
        Record(4, 1);

        Assert.Equal([0, 1, 2, 3, 4], await ToldAsync(first));
        Assert.Equal([2, 3], await ToldAsync(second));
    }

    [Fact]
    public async Task Follow_WhoDoesNotKeepUp_LosesTheOldestAndHoldsUpNobody()
    {
        using var slow = _log.Follow();
        Record(0, 3_000);

        var told = await ToldAsync(slow);
        Assert.Equal(2_999, told[^1]);
        Assert.InRange(told.Count, 1, 1_024);
        Assert.Equal(Enumerable.Range(3_000 - told.Count, told.Count), told);
    }

    [Fact]
    public void Record_NobodyFollows_AllocatesNothing()
    {
        Record(0, Ring);
        var before = GC.GetAllocatedBytesForCurrentThread();
        Record(0, 1_000);

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    [Fact]
    public async Task Record_ByManyThreads_NumbersEachOnce()
    {
        await Task.WhenAll(Enumerable.Range(0, 4).Select(thread => Task.Run(() => Record(thread * 1_000, 1_000))));

        Assert.Equal(Enumerable.Range(4_000 - Ring, Ring).Reverse(), _log.Last(Ring, _ => true).Select(logged => (int)logged.Sequence));
    }

    private void Record(int first, int count)
    {
        for (var i = first; i < first + count; i++)
        {
            _log.Record(Books.Key(i), new Decision { IsLogged = true });
        }
    }

    private static async Task<List<int>> ToldAsync(DecisionFollower follower)
    {
        follower.Dispose();
        var told = new List<int>();
        await foreach (var logged in follower.ReadAsync(TestContext.Current.CancellationToken))
        {
            told.Add((int)logged.Address.Low);
        }

        return told;
    }
}
