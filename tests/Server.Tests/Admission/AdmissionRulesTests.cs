using Microsoft.Extensions.Time.Testing;
using Relay.Addresses;
using Relay.Admission;
using Relay.Policy;
using Relay.RateLimiting;

namespace Server.Tests.Admission;

/// <summary>The order of the rules, and what a trace shows of them.</summary>
public sealed class AdmissionRulesTests
{
    private static readonly IpKey Address = IpKey.FromIpv4(0x01020304);

    private readonly FakeTimeProvider _time = new();
    private LimitPolicy _policy = Policy();
    private RateBuckets _rates;

    // Everything refuses at once; from line to line the first of them is taken away.
    [Fact]
    public void Evaluate_EveryRuleRefuses_TheFirstInOrderIsTold()
    {
        var spent = default(TokenBucket);
        spent.TryTake(1, 1, TimeSpan.FromMinutes(1), _time);
        (string, string?)[] all =
        [
            ("ban/1.2.3.4", "forever"), ("override/1.2.3.0/24", "deny"), ("total", "1"), ("per-ip", "1"), ("per-24", "1"),
            ("rate-per-ip", "1/m burst 1"), ("rate-total", "1/m burst 1"),
        ];
        var counts = new LiveCounts(9, 9, 9, 0);
        var input = Input(counts, all) with
        {
            Standing = new Standing(Refusal.Draining, IsBanned: true),
            Ceiling = new Ceiling(1, int.MaxValue),
        };
        _rates = new RateBuckets(spent, spent);

        Assert.Equal(Refusal.Draining, Refused(input));
        input = input with { Standing = new Standing(IsBanned: true) };
        Assert.Equal(Refusal.Banned, Refused(input));
        input = input with { Standing = default };
        Assert.Equal(Refusal.Banned, Refused(input));
        _policy = Policy(all[1..]);
        Assert.Equal(Refusal.Denied, Refused(input));
        _policy = Policy(all[2..]);
        Assert.Equal(Refusal.TotalLimit, Refused(input));
        _policy = Policy(all[3..]);
        Assert.Equal(Refusal.Ceiling, Refused(input));
        input = input with { Ceiling = Ceiling.None };
        Assert.Equal(Refusal.PerIpLimit, Refused(input));
        input = input with { Local = counts with { Key = 0 } };
        Assert.Equal(Refusal.Per24Limit, Refused(input));
        input = input with { Local = default };
        Assert.Equal(Refusal.RatePerIp, Refused(input));
        _rates.Key = default;
        Assert.Equal(Refusal.RateTotal, Refused(input));
        _rates.Total = default;
        Assert.Equal(Refusal.None, Refused(input));
    }

    [Theory]
    [InlineData("ban/1.2.3.4", "forever", Refusal.Banned, 50)]
    [InlineData("override/1.2.3.4", "deny", Refusal.Denied, 0)]
    [InlineData("total", "1", Refusal.TotalLimit, 50)]
    internal void Evaluate_WithATrace_ShowsTheRowsBehindTheOneThatRefuses(string path, string text, Refusal refusal, int perIp)
    {
        var trace = new RuleTrace();
        var input = Input(new LiveCounts(7, 3, 5, 0), (path, text), ("per-24", "9"));

        Assert.Equal(refusal, AdmissionRules.Evaluate(_policy, input with { Ceiling = new Ceiling(20, 30) }, _rates, _time, trace).Refusal);
        Assert.Equal(
            [("total", 7, path == "total" ? 1 : 10_000), ("ceiling", 7, 20), ("address", 3, perIp), ("/24", 5, Math.Max(9, 50))],
            trace.Rows.Select(row => (row.Name, row.Count, row.Limit)));
    }

    [Fact]
    public void Evaluate_OtherNodesConnections_CountForAllLimitsButThoseOfThisProcess()
    {
        var input = Input(new LiveCounts(1, 1, 1, 0), ("total", "5"), ("per-ip", "3"), ("per-24", "4")) with { Ceiling = new Ceiling(2, 2) };

        Assert.Equal(Refusal.None, Refused(input with { Remote = new LiveCounts(3, 1, 2, 0) }));
        Assert.Equal(Refusal.None, Refused(input with { Remote = new LiveCounts(99, 0, 0, 0) }));
        Assert.Equal(Refusal.None, Refused(input with { Remote = new LiveCounts(99, 0, 0, 0), ClusterTotal = 101 }));
        Assert.Equal(Refusal.ClusterTotalLimit, Refused(input with { Remote = new LiveCounts(99, 0, 0, 0), ClusterTotal = 100 }));
        Assert.Equal(Refusal.TotalLimit, Refused(input with { Local = new LiveCounts(5, 0, 0, 0), Remote = new LiveCounts(99, 0, 0, 0), ClusterTotal = 100 }));
        Assert.Equal(Refusal.PerIpLimit, Refused(input with { Remote = new LiveCounts(2, 2, 2, 0) }));
        Assert.Equal(Refusal.Per24Limit, Refused(input with { Remote = new LiveCounts(3, 1, 3, 0) }));
        Assert.Equal(Refusal.Ceiling, Refused(input with { Local = new LiveCounts(2, 0, 0, 0) }));
    }

    [Fact]
    public void Evaluate_UnlimitedNetwork_IsHeldOnlyByBansAndTheRelaysState()
    {
        var input = Input(new LiveCounts(99, 99, 99, 0), ("override/1.2.3.0/24", "unlimited"), ("total", "1"));

        Assert.Equal(Refusal.None, Refused(input));
        Assert.Equal(Refusal.Stopping, Refused(input with { Standing = new Standing(Refusal.Stopping) }));
        Assert.Equal(Refusal.Banned, Refused(input with { Standing = new Standing(IsBanned: true) }));
    }

    // With a trace or without, the answer is the same.
    private Refusal Refused(in RuleInput input)
    {
        var (verdict, traced) = (AdmissionRules.Evaluate(_policy, input, _rates, _time), AdmissionRules.Evaluate(_policy, input, _rates, _time, new RuleTrace()));
        Assert.Equal(verdict, traced);
        return verdict.Refusal;
    }

    private RuleInput Input(LiveCounts live, params (string Path, string? Text)[] edits)
    {
        _policy = Policy(edits);
        return new RuleInput { Address = Address, Key = Address, Local = live, Ceiling = Ceiling.None, Now = _time.GetTimestamp() };
    }

    private static LimitPolicy Policy(params (string Path, string? Text)[] edits)
    {
        var items = PolicyItems.FromOptions(new AdmissionOptions(), out _)
            .With(edits.Select(edit => KeyValuePair.Create(edit.Path, edit.Text)), 64, out var errors);
        Assert.Empty(errors);
        return new LimitPolicy(items, 64, 1);
    }
}
