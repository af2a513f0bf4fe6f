using Google.Protobuf.WellKnownTypes;
using Relay.AdminApi;

namespace Relay.AdminCli;

/// <summary>One thing that `doctor` looked at.</summary>
/// <param name="Advice">What to do; empty: it is as it should be.</param>
internal sealed record Finding(string Subject, string Text, string Advice = "");

/// <summary>What commonly goes wrong around a relay, and what to do about it.</summary>
internal static class Diagnosis
{
    private const double FullBudget = 0.9;
    private const long MinDisk = 1L << 30;
    private const double MinDiskShare = 0.05;
    private static readonly TimeSpan MaxClockOffset = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan CertificateNotice = TimeSpan.FromDays(14);

    private static readonly Dictionary<string, (string Text, string Advice)> ProxyWarnings = new()
    {
        ["one_address"] = ("one address holds most connections and is refused for its limit: probably a proxy",
            "If it is a proxy of yours, add it to Admission:TrustedProxies; `relayctl ips` shows the address."),
        ["unlisted_proxy"] = ("new connections bring proxies' headers from addresses that are not trusted",
            "Add the proxy's network to Admission:TrustedProxies; `relayctl ips` shows where they come from."),
        ["silent_proxy"] = ("new connections come through trusted proxies without a client address",
            "Have the proxy send the header that Listen:ClientAddress expects; `relayctl explain` shows how an address is resolved."),
    };

    /// <param name="nodes">Null: the relay is alone.</param>
    /// <param name="clock">How far the relay's clock is ahead of ours, and how uncertain that is.</param>
    public static IReadOnlyList<Finding> Of(Stats stats, ListNodesResponse? nodes, (TimeSpan Ahead, TimeSpan Uncertain) clock, DateTimeOffset now) =>
    [
        State(stats),
        Files(stats),
        .. Memory(stats),
        .. Backlog(stats.Machine),
        Clock(clock),
        .. stats.Certificates.Select(certificate => Certificate(certificate, now)),
        .. Proxies(stats.ClientAddress),
        .. Disk(stats.Machine),
        .. Records(stats),
        .. Cluster(nodes),
    ];

    private static Finding State(Stats stats) => stats.State == "ready"
        ? new("state", $"ready, version {Printable.CleanOrUnknown(stats.Version)}")
        : new("state", Printable.CleanOrUnknown(stats.State), "It takes no new clients. `relayctl events` says why; `relayctl drain --cancel` ends a drain.");

    private static Finding Files(Stats stats)
    {
        var (limit, total) = (stats.Process?.OpenFilesLimit ?? 0, stats.Limits?.Total ?? 0);
        var text = $"{Units.Count(stats.Process?.OpenFiles ?? 0)} of {Units.Count(limit)} in use";
        return stats.Capacity is { ByFiles: > 0 } capacity && capacity.ByFiles < total
            ? new("open files", $"{text}: enough for {Units.Count(capacity.ByFiles)} clients, and the total limit is {Units.Count(total)}",
                $"Set LimitNOFILE={limit + total - capacity.ByFiles} in the systemd unit (elsewhere `ulimit -n`) and restart relayd, or lower the limit: relayctl set-limit --total {capacity.ByFiles}")
            : new("open files", $"{text}, enough for {Units.Count(total)} clients");
    }

    private static IEnumerable<Finding> Memory(Stats stats)
    {
        var total = stats.Limits?.Total ?? 0;
        if (stats.Capacity is { } capacity)
        {
            var text = $"{Units.Bytes(capacity.MemoryAvailableBytes)} of {Units.Bytes(capacity.MemoryLimitBytes)} available";
            yield return capacity.ByMemory > 0 && capacity.ByMemory < total
                ? new("memory", $"{text}: enough for {Units.Count(capacity.ByMemory)} clients, and the total limit is {Units.Count(total)}",
                    $"Give the machine or container more memory, or lower the limit: relayctl set-limit --total {capacity.ByMemory}")
                : new("memory", text);
        }

        if (stats.Memory is { BudgetBytes: > 0 } budget)
        {
            var text = $"{Units.Bytes(budget.UsedBytes)} of {Units.Bytes(budget.BudgetBytes)} in use";
            yield return budget.UsedBytes > budget.BudgetBytes * FullBudget
                ? new("buffers", text, "Find who holds most with `relayctl connections --sort queue`; if that is ordinary traffic, raise Admission:MemoryBudget.")
                : new("buffers", text);
        }
    }

    private static IEnumerable<Finding> Backlog(MachineStats? machine)
    {
        if (machine is { ListenBacklogLimit: > 0 })
        {
            var text = $"net.core.somaxconn is {Units.Plain(machine.ListenBacklogLimit)}";
            yield return machine.ListenBacklogLimit < machine.ListenBacklog
                ? new("accept queue", $"{text}, relayd asks for {Units.Plain(machine.ListenBacklog)}",
                    $"Connections are lost when many come at once: sysctl -w net.core.somaxconn={machine.ListenBacklog}, write it to /etc/sysctl.d/ too, and restart relayd.")
                : new("accept queue", text);
        }
    }

    private static Finding Clock((TimeSpan Ahead, TimeSpan Uncertain) clock)
    {
        var off = clock.Ahead.Duration();
        return off - clock.Uncertain > MaxClockOffset
            ? new("clock", $"the relay's clock is {Units.Duration(off)} {(clock.Ahead > TimeSpan.Zero ? "ahead of" : "behind")} this machine's",
                "Synchronize both (chrony, systemd-timesyncd): certificates, tokens and daily rendezvous points depend on the time.")
            : new("clock", "agrees with this machine's");
    }

    private static Finding Certificate(CertificateStats certificate, DateTimeOffset now)
    {
        var left = (certificate.ExpiresAt?.ToDateTimeOffset() ?? now) - now;
        var text = $"{Printable.Word(certificate.Listener)} listener: {(left <= TimeSpan.Zero ? "expired" : "expires")} {Units.Time(certificate.ExpiresAt)}";
        return new("certificate", text, left < CertificateNotice ? "Renew it in its files; relayd takes the new one within ten seconds, `relayctl reload` at once." : "");
    }

    private static IEnumerable<Finding> Proxies(ClientAddressStats? addresses) => addresses is not { Warnings.Count: > 0 }
        ? [new("proxies", "no warning")]
        : addresses.Warnings.Select(warning => ProxyWarnings.TryGetValue(warning, out var known)
            ? new Finding("proxies", known.Text, known.Advice)
            : new Finding("proxies", Printable.CleanOrUnknown(warning), "`relayctl events` says more."));

    private static IEnumerable<Finding> Disk(MachineStats? machine)
    {
        if (machine is { DiskTotalBytes: > 0 })
        {
            var text = $"{Units.Bytes(machine.DiskAvailableBytes)} of {Units.Bytes(machine.DiskTotalBytes)} free where the data folder is";
            yield return machine.DiskAvailableBytes < Math.Min(MinDisk, machine.DiskTotalBytes * MinDiskShare)
                ? new("disk", text, "Free some: when the disk is full, changes of limits are refused and the audit log has gaps.")
                : new("disk", text);
        }
    }

    private static IEnumerable<Finding> Records(Stats stats)
    {
        yield return stats.Storage?.Away == true
            ? new("database", "cannot be reached", "Look at the database server and the network to it; relayd reconnects by itself.")
            : new("database", "up");
        if (stats.AuditFile?.Failing == true)
        {
            yield return new("audit log", "cannot be written", "See relayd's log for the reason: usually a full disk or the mode of the folder.");
        }

        if (stats.Ledger?.Drift is { } drift and not 0)
        {
            yield return new("ledger", $"differs from the open sockets by {Units.Count(drift)}", "A bug in relayd: keep its log and report it; a restart corrects the counts.");
        }
    }

    private static IEnumerable<Finding> Cluster(ListNodesResponse? nodes)
    {
        if (nodes is null)
        {
            yield break;
        }

        yield return nodes.Away
            ? new("cluster", "NATS cannot be reached", "Look at the NATS server and the network to it; until then the relay serves its own clients alone.")
            : new("cluster", $"{Units.Count(nodes.Nodes.Count)} nodes");
        foreach (var missing in nodes.Missing)
        {
            yield return new("cluster", ClusterText.Missing(missing), "Look whether relayd runs there, and whether it reaches NATS.");
        }

        foreach (var node in nodes.Nodes.Where(node => node.State == "incompatible"))
        {
            yield return new("cluster", $"{Printable.Word(node.Name)} is incompatible", "Run the same version on all nodes.");
        }

        foreach (var node in nodes.Nodes.Where(node => !node.Self && (node.ClockOffset ?? new Duration()).ToTimeSpan().Duration() > MaxClockOffset))
        {
            yield return new("cluster", $"the clock of {Printable.Word(node.Name)} is off by {Units.Duration(node.ClockOffset.ToTimeSpan().Duration())}", "Synchronize the nodes' clocks (chrony, systemd-timesyncd).");
        }
    }
}
