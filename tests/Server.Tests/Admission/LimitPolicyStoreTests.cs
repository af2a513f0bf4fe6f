using Relay.Admission;

namespace Server.Tests.Admission;

public sealed class LimitPolicyStoreTests
{
    private readonly LimitPolicyStore _store = new(new AdmissionOptions { Total = 10, PerIp = 2, Ipv6Prefix = 56 });

    [Fact]
    public void Current_AtStart_IsTheOptions() => Assert.Equal(new LimitPolicy(10, 2, 56, 1), _store.Current);

    [Theory]
    [InlineData(20, null, 20, 2)]
    [InlineData(null, 5, 10, 5)]
    [InlineData(20, 5, 20, 5)]
    public void Change_SomeLimits_LeavesTheOthers(int? total, int? perIp, int newTotal, int newPerIp)
    {
        var result = _store.Change(new LimitChange(total, perIp, ExpectedRevision: 1));

        Assert.False(result.Stale);
        Assert.Equal(new LimitPolicy(10, 2, 56, 1), result.Before);
        Assert.Equal(new LimitPolicy(newTotal, newPerIp, 56, 2), result.After);
        Assert.Same(result.After, _store.Current);
    }

    [Fact]
    public void Change_FromAnOldRevision_IsStale()
    {
        _store.Change(new LimitChange(20, null, null));

        var result = _store.Change(new LimitChange(30, null, ExpectedRevision: 1));

        Assert.True(result.Stale);
        Assert.Equal(new LimitPolicy(20, 2, 56, 2), _store.Current);
    }

    [Fact]
    public void Change_ManyWritersOfOneRevision_OneWins()
    {
        var won = 0;
        Parallel.For(0, 100, i =>
        {
            if (!_store.Change(new LimitChange(i + 1, null, ExpectedRevision: 1)).Stale)
            {
                Interlocked.Increment(ref won);
            }
        });

        Assert.Equal((1, 2L), (won, _store.Current.Revision));
    }
}
