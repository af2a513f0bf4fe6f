using CsCheck;
using Microsoft.Extensions.Time.Testing;
using Relay.Addresses;
using Relay.Admission;
using Relay.Policy;

namespace Server.Tests.Policy;

/// <summary>The policy against one that is written the slow and obvious way: every rule is looked at for every address.</summary>
public sealed class PolicyModelProperties
{
    private static readonly DateTimeOffset Now = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    // Few bits, so that networks often hold addresses and each other.
    private static readonly Gen<IpKey> Addresses = Gen.Select(Gen.Bool, Gen.Int[0, 15], Gen.Int[0, 3]).Select((ipv6, high, low) => ipv6
        ? IpKey.FromIpv6(0x2001_0DB8_0000_0000UL + ((ulong)high << 14) + (ulong)low, (ulong)low)
        : IpKey.FromIpv4(0xCB00_7100U + ((uint)high << 4) + (uint)low));

    private static readonly Gen<IpPrefix> Networks = Gen.Select(Addresses, Gen.OneOf(0, 8, 24, 26, 28, 30, 32), Gen.OneOf(0, 32, 47, 48, 49, 50, 64))
        .Select((address, ipv4, ipv6) => new IpPrefix(address.Truncate(address.IsIpv6 ? ipv6 : ipv4)));

    private static readonly Gen<(string Path, string? Text)> Edits = Gen.OneOf(
        Gen.Select(Networks, Gen.OneOf("1", "3", "7", "unlimited", "deny", null)).Select((network, text) => ($"override/{network}", text)),
        Gen.Select(Networks, Gen.OneOf("forever", "2026-01-01T00:00:01Z soon", null)).Select((network, text) => ($"ban/{network}", text)),
        Gen.Select(Networks, Gen.OneOf("2", "deny", null)).Select((network, text) => ($"shadow/override/{network}", text)),
        Gen.Int[1, 9].Select(number => ("per-ip", (string?)$"{number}")),
        Gen.Int[1, 30].Select(number => ("total", (string?)$"{number}")),
        Gen.OneOf("off", "2x", "5").Select(text => ("per-48", (string?)text)),
        Gen.OneOf("off", "2x", "5").Select(text => ("per-56", (string?)text)),
        Gen.OneOf("off", "2x", "5").Select(text => ("per-24", (string?)text)));

    private static readonly Gen<LiveCounts> Counts =
        Gen.Select(Gen.Int[0, 40], Gen.Int[0, 12], Gen.Int[0, 20], Gen.Int[0, 20]).Select((total, key, near, far) => new LiveCounts(total, key, near, far));

    [Fact]
    public void Decision_AnyPolicyAndAddress_IsTheModels() =>
        Gen.Select(Edits.Array[0, 25], Addresses.Array[1, 6], Counts).Sample((edits, addresses, live) =>
        {
            var time = new FakeTimeProvider(Now);
            var policy = new LimitPolicy(Apply(Start(), edits), 64, 1);
            foreach (var address in addresses)
            {
                var key = address.TruncateIpv6(64);
                Assert.Equal(Expected(policy.Items, address, live), Decide(policy, address, key, live, time));
            }
        });

    [Fact]
    public void Rollback_ToAnyRevision_RestoresItemsAndDecisions() =>
        Gen.Select(Edits.Array[1, 4].Array[1, 12], Gen.Int[0, 11], Addresses.Array[4], Counts.Array[4]).Sample((changes, target, addresses, counts) =>
        {
            var time = new FakeTimeProvider(Now);
            using var store = new LimitPolicyStore(new AdmissionOptions(), time);
            foreach (var edits in changes)
            {
                var unique = edits.GroupBy(edit => edit.Path).ToDictionary(group => group.Key, group => group.Last().Text);
                Assert.Empty(store.Change(new PolicyChange(unique, "test")).Errors);
            }

            var history = store.Overview().History;
            var then = history[target % history.Count];
            var old = new LimitPolicy(then.Items, 64, then.Revision);
            Assert.False(store.Change(new PolicyChange(new Dictionary<string, string?>(), "test") { RollbackTo = then.Revision }).IsUnknown);

            Assert.Equal(then.Items.All, store.Current.Items.All);
            foreach (var (address, live) in addresses.Zip(counts))
            {
                Assert.Equal(Decide(old, address, address.TruncateIpv6(64), live, time), Decide(store.Current, address, address.TruncateIpv6(64), live, time));
            }
        });

    private static PolicyItems Start() => PolicyItems.FromOptions(new AdmissionOptions(), out _);

    private static PolicyItems Apply(PolicyItems items, IEnumerable<(string Path, string? Text)> edits)
    {
        foreach (var (path, text) in edits)
        {
            items = items.With([KeyValuePair.Create(path, text)], 64, out var errors);
            Assert.Empty(errors);
        }

        return items;
    }

    private static (bool IsCounted, Refusal Refusal) Decide(LimitPolicy policy, IpKey address, IpKey key, LiveCounts live, TimeProvider time)
    {
        var verdict = AdmissionRules.Evaluate(policy, new RuleInput
        {
            Address = address,
            Key = key,
            Local = live,
            Ceiling = Ceiling.None,
            Now = time.GetTimestamp(),
        }, default(RateBuckets), time);
        return (verdict.Refusal != Refusal.None || verdict.Limits.IsCounted, verdict.Refusal);
    }

    private static (bool IsCounted, Refusal Refusal) Expected(PolicyItems items, IpKey address, LiveCounts live)
    {
        if (Holding(items, "ban/", address).Any())
        {
            return (true, Refusal.Banned);
        }

        var rule = Holding(items, "override/", address).OrderByDescending(rule => rule.Network.Length).Select(rule => rule.Text).FirstOrDefault();
        if (rule is "deny")
        {
            return (true, Refusal.Denied);
        }

        if (rule is "unlimited")
        {
            return (false, Refusal.None);
        }

        var perIp = int.Parse(rule ?? items["per-ip"]!, null);
        return (true,
            live.Total >= int.Parse(items["total"]!, null) ? Refusal.TotalLimit
            : live.Key >= perIp ? Refusal.PerIpLimit
            : live.Near >= Tier(items[address.IsIpv6 ? "per-56" : "per-24"]!) ? (address.IsIpv6 ? Refusal.Per56Limit : Refusal.Per24Limit)
            : address.IsIpv6 && live.Far >= Tier(items["per-48"]!) ? Refusal.Per48Limit
            : Refusal.None);

        int Tier(string text) => text == "off" ? int.MaxValue : text.EndsWith('x') ? int.Parse(text[..^1], null) * perIp : Math.Max(int.Parse(text, null), perIp);
    }

    private static IEnumerable<(IpPrefix Network, string Text)> Holding(PolicyItems items, string kind, IpKey address)
    {
        foreach (var (path, text) in items.All.Where(item => item.Key.StartsWith(kind, StringComparison.Ordinal)))
        {
            if (IpPrefix.TryParse(path[kind.Length..], out var network, out _) && network.Contains(address))
            {
                yield return (network, text);
            }
        }
    }
}
