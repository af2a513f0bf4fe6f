using AdminCli.Tests.Support;
using Google.Protobuf.WellKnownTypes;
using Relay.AdminApi;
using Relay.AdminCli.Top;

namespace AdminCli.Tests.Top;

internal static class TopStates
{
    public static readonly TopView View = new(ListIpsRequest.Types.Sort.Connections);

    /// <summary>A guarded relay after two snapshots and two lists, a second apart: 203.0.113.1 and so on, refused 10 times between.</summary>
    public static TopState Live(int rows = 30)
    {
        var (before, now) = (Snapshots.Guarded(), Snapshots.Guarded());
        now.Uptime.Seconds++;
        now.Connections.AdmittedTotal += 12;
        now.Refused.ByReason["rate"] += 120;
        now.Capacity = new Capacity { EffectiveTotal = 10_000, Cause = "limit", MemoryLimitBytes = 4_294_967_296, MemoryAvailableBytes = 3_221_225_472 };
        return new TopState("unix:/run/relay/admin.sock", View).With(before).With(View, List(rows, 0), TimeSpan.FromSeconds(1)).With(now).With(View, List(rows, 10), TimeSpan.FromSeconds(2));
    }

    public static ListIpsResponse List(int rows, long refused) => new()
    {
        TotalSize = 1_204,
        Ips =
        {
            Enumerable.Range(1, rows).Select(i => new IpEntry
            {
                Key = $"203.0.113.{i}", Connections = 51 - i, Limit = 50, Peak = 50, Admitted = 12_345, Refused = 3_400 + refused,
                FirstSeen = new Timestamp { Seconds = 1_777_593_000 }, LastSeen = new Timestamp { Seconds = 1_777_593_600 },
            }),
        },
    };
}
