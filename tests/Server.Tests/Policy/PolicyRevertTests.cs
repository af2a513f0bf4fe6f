using Microsoft.Extensions.Time.Testing;
using Relay.Policy;

namespace Server.Tests.Policy;

/// <summary>What is reverted by itself, where several changes of one item meet.</summary>
public sealed class PolicyRevertTests : IDisposable
{
    private readonly FakeTimeProvider _time = new();
    private readonly LimitPolicyStore _store;

    public PolicyRevertTests() => _store = new LimitPolicyStore(new AdmissionOptions { Total = 100, PerIp = 50 }, _time);

    public void Dispose() => _store.Dispose();

    [Fact]
    public void HoldFor_ShorterOnTopOfALonger_GoesBackStepByStep()
    {
        Hold("60", minutes: 60);
        Hold("70", minutes: 30);

        Assert.Equal([70, 60, 60, 50], PerIpAfter(0, 30, 29, 1));
    }

    [Fact]
    public void HoldFor_LongerOnTopOfAShorter_EndsWhereBothBegan()
    {
        Hold("60", minutes: 30);
        Hold("70", minutes: 60);

        Assert.Equal([70, 70, 70, 50], PerIpAfter(0, 30, 29, 1));
    }

    [Fact]
    public void HoldFor_SameEnd_EndsWhereBothBegan()
    {
        Hold("60", minutes: 30);
        Hold("70", minutes: 30);

        Assert.Equal([70, 50], PerIpAfter(0, 30));
    }

    [Fact]
    public void HoldFor_TheSameValueAgain_IsForTheNewTime()
    {
        Hold("60", minutes: 30);
        _time.Advance(TimeSpan.FromMinutes(20));
        Hold("60", minutes: 30);

        Assert.Equal([60, 60, 50], PerIpAfter(10, 19, 1));
        Assert.Empty(_store.Overview().Pending);
    }

    [Fact]
    public void Change_ToTheValueThatIsForATime_KeepsItForGood()
    {
        Hold("60", minutes: 30);
        Change("60");

        Assert.Equal([60], PerIpAfter(60));
        Assert.Empty(_store.Overview().Pending);
    }

    [Fact]
    public void Change_AwayAndBackWhileForATime_KeepsTheLastWord()
    {
        Hold("60", minutes: 30);
        Change("70");
        Change("60");

        Assert.Equal([60], PerIpAfter(60));
    }

    [Fact]
    public void ConfirmWithin_NotConfirmed_TakesBackAlsoWhatWasForLonger()
    {
        _store.Change(Of("60") with { ConfirmWithin = TimeSpan.FromMinutes(1), Ttl = TimeSpan.FromMinutes(30) });
        Assert.Equal([50], PerIpAfter(1));
        Change("60");

        Assert.Equal([60], PerIpAfter(60));
    }

    [Fact]
    public void ConfirmWithin_OnTopOfAHold_GoesBackToTheHeldValue()
    {
        Hold("60", minutes: 30);
        _store.Change(Of("70") with { ConfirmWithin = TimeSpan.FromMinutes(1) });

        Assert.Equal([60, 50], PerIpAfter(1, 29));
    }

    [Fact]
    public void Rules_SetForATime_AreTakenBackInOneSpelling()
    {
        _store.Change(new PolicyChange(new Dictionary<string, string?> { ["override/2001:DB8::/32"] = "deny" }, "test") { Ttl = TimeSpan.FromMinutes(30) });
        Assert.Equal("deny", _store.Current.Items["override/2001:db8::/32"]);
        _store.Change(new PolicyChange(new Dictionary<string, string?> { ["override/2001:0DB8::/32"] = "deny" }, "test"));
        _time.Advance(TimeSpan.FromMinutes(30));

        Assert.Equal("deny", _store.Current.Items["override/2001:db8::/32"]);
    }

    private void Hold(string perIp, int minutes) => _store.Change(Of(perIp) with { Ttl = TimeSpan.FromMinutes(minutes) });

    private void Change(string perIp) => _store.Change(Of(perIp));

    private static PolicyChange Of(string perIp) => new(new Dictionary<string, string?> { [PolicyItems.PerIp] = perIp }, "test");

    private List<int> PerIpAfter(params IEnumerable<int> minutes)
    {
        var seen = new List<int>();
        foreach (var step in minutes)
        {
            _time.Advance(TimeSpan.FromMinutes(step));
            seen.Add(_store.Current.PerIp);
        }

        return seen;
    }
}
