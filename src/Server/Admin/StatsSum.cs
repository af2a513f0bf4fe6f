using System.Collections;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Google.Protobuf.WellKnownTypes;
using Relay.AdminApi;

namespace Relay.Admin;

/// <summary>
/// The status of several nodes as one: numbers are added up, texts kept where all say the same, and what does not add up is the highest, the
/// lowest, or left out.
/// </summary>
internal static class StatsSum
{
    private const string Mixed = "mixed";

    // Each node sees the same: the database they share, the policy.
    private static readonly HashSet<string> Highest =
    [
        "RendezvousStats.daily_points", "RendezvousStats.hourly_tokens", "ChunkStats.cached", "ChunkStats.cached_bytes", "StorageStats.file_bytes",
        "Process.max_gc_pause", "OverloadStatus.cpu_percent", "Limits.per_ip", "Limits.ipv6_prefix",
    ];

    private static readonly HashSet<string> Lowest = ["Limits.revision", "Stats.uptime"];

    // An address may be on several nodes, peaks were at different times, and nodes may share a machine.
    private static readonly HashSet<string> LeftOut =
        ["Connections.peak", "Connections.addresses", "Pairing.peak_active_codes", "Pairing.collision_risk", "Stats.capacity", "Stats.machine", "Stats.cluster"];

    private static readonly string[] Levels = ["normal", "elevated", "critical"];

    public static Stats Of(IReadOnlyList<Stats> nodes)
    {
        var sum = nodes[0].Clone();
        foreach (var node in nodes.Skip(1))
        {
            Add(sum, node);
        }

        Clear(sum);
        sum.State = nodes.All(node => node.State == nodes[0].State) ? nodes[0].State : Mixed;
        if (sum.Overload is { } overload)
        {
            overload.Level = nodes.Select(node => node.Overload?.Level ?? "").MaxBy(level => Array.IndexOf(Levels, level));
        }

        if (sum.Ledger is { } ledger)
        {
            // One too many here and one too few there is no match.
            ledger.Drift = nodes.Max(node => Math.Abs(Math.Max(node.Ledger?.Drift ?? 0, -long.MaxValue)));
        }

        return sum;
    }

    private static void Add(IMessage sum, IMessage other)
    {
        foreach (var field in sum.Descriptor.Fields.InDeclarationOrder())
        {
            var name = $"{sum.Descriptor.Name}.{field.Name}";
            var (a, b) = (field.Accessor.GetValue(sum), field.Accessor.GetValue(other));
            if (field.IsMap)
            {
                AddMap((IDictionary)a, (IDictionary)b);
            }
            else if (field.IsRepeated)
            {
                foreach (var missing in ((IList)b).Cast<object>().Where(item => !((IList)a).Contains(item)).ToList())
                {
                    ((IList)a).Add(missing);
                }
            }
            else if (b is not null && !LeftOut.Contains(name))
            {
                field.Accessor.SetValue(sum, a is null ? b : Combine(name, a, b));
            }
        }
    }

    private static object Combine(string name, object a, object b) => (a, b) switch
    {
        _ when Highest.Contains(name) => Compare(a, b) >= 0 ? a : b,
        _ when Lowest.Contains(name) => Compare(a, b) <= 0 ? a : b,
        (long x, long y) => x + y,
        (int x, int y) => Math.Clamp((long)x + y, int.MinValue, int.MaxValue) is var both ? (int)both : 0,
        (double x, double y) => x + y,
        (bool x, bool y) => x || y,
        (string x, string y) => x == y ? x : "",
        (Duration x, Duration y) => Sum(x, y),
        (Timestamp, Timestamp) => a,
        (IMessage x, IMessage y) => AddInto(x, y),
        _ => a,
    };

    private static IMessage AddInto(IMessage sum, IMessage other)
    {
        Add(sum, other);
        return sum;
    }

    private static Duration Sum(Duration a, Duration b)
    {
        var seconds = Math.Clamp(a.Seconds + b.Seconds, -Duration.MaxSeconds + 2, Duration.MaxSeconds - 2);
        return Duration.FromTimeSpan(TimeSpan.FromSeconds(seconds) + TimeSpan.FromTicks((a.Nanos + (long)b.Nanos) / Duration.NanosecondsPerTick));
    }

    private static int Compare(object a, object b) => a is Duration time ? time.ToTimeSpan().CompareTo(((Duration)b).ToTimeSpan()) : Comparer.Default.Compare(a, b);

    private static void AddMap(IDictionary sum, IDictionary other)
    {
        foreach (DictionaryEntry entry in other)
        {
            sum[entry.Key] = sum[entry.Key] is long before ? before + (long)entry.Value! : entry.Value;
        }
    }

    private static void Clear(IMessage sum)
    {
        foreach (var field in sum.Descriptor.Fields.InDeclarationOrder())
        {
            if (LeftOut.Contains($"{sum.Descriptor.Name}.{field.Name}"))
            {
                field.Accessor.Clear(sum);
            }
            else if (field is { IsRepeated: false, FieldType: FieldType.Message } && field.Accessor.GetValue(sum) is IMessage inner)
            {
                Clear(inner);
            }
        }
    }
}
