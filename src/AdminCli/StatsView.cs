using Relay.AdminApi;

namespace Relay.AdminCli;

/// <summary>A snapshot as an operator reads it at 3 a.m.: what is full first, what is broken loudest.</summary>
internal static class StatsView
{
    /// <summary>Rates are shown where they are known.</summary>
    public static IEnumerable<StatsRow> Rows(Stats stats, StatsRates rates)
    {
        var (ledger, process) = (stats.Ledger ?? new LedgerStatus(), stats.Process ?? new Process());
        if (Mismatch(stats) is { } mismatch)
        {
            yield return new("ALARM", new StatsRow.Part(mismatch, Tone.Alarm));
        }

        foreach (var warning in Warnings(stats))
        {
            yield return new("WARNING", new StatsRow.Part(warning, Tone.Warning));
        }

        if (ClusterText.IsSum(stats))
        {
            yield return new("nodes", [.. ClusterText.Summary(stats.Cluster)]);
            foreach (var node in stats.Cluster.ByNode)
            {
                yield return new(ClusterText.Name(node), [.. ClusterText.Of(node.Stats ?? new Stats(), rates.OfNode(node.Node))]);
            }
        }

        yield return Clients(stats);
        yield return Refused(stats.Refused ?? new Refusals(), rates);
        foreach (var row in GuardRows.Of(stats))
        {
            yield return row;
        }

        yield return Sockets(stats.Connections ?? new Connections(), rates);
        if (stats.Connections?.ClosedTotal is { Count: > 0 } closed)
        {
            yield return new("closed", [.. ByReason(closed)]);
        }

        yield return Pairing(stats, stats.Pairing ?? new Pairing());
        foreach (var row in FeatureRows.Of(stats))
        {
            yield return row;
        }

        yield return Traffic(stats.Traffic ?? new Traffic(), rates);
        yield return Peers(stats.Peers ?? new Peers());
        yield return Process(process);
        yield return Ledger(ledger, stats);
        yield return new("relay",
            new StatsRow.Part(Printable.CleanOrUnknown(stats.State), stats.State == "ready" ? Tone.Good : Tone.Warning),
            $"up {Units.Duration(stats.Uptime)}",
            $"version {Printable.CleanOrUnknown(stats.Version)}",
            Printable.CleanOrUnknown(stats.ServerId));
    }

    /// <summary>Null while the ledger matches the open sockets.</summary>
    public static string? Mismatch(Stats stats) => stats.Ledger is { Drift: not 0 and var drift }
        ? $"LEDGER MISMATCH {Signed(drift)}: the ledger does not match the open sockets. Run `relayctl verify`."
        : null;

    /// <summary>Warnings, one sentence each.</summary>
    public static IEnumerable<string> Warnings(Stats stats)
    {
        foreach (var warning in stats.ClientAddress?.Warnings ?? [])
        {
            yield return Sentence(warning);
        }

        if (stats.AuditFile is { Failing: true } file)
        {
            yield return $"the audit file cannot be written ({Units.Count(file.FailedTotal)} entries are only in relayd's log); the disk may be full.";
        }
    }

    private static string Sentence(string warning) => warning switch
    {
        "one_address" => "one address has most of the connections and reaches its limit; it may be a proxy missing from Admission:TrustedProxies. Run `relayctl ips`.",
        "unlisted_proxy" => "new connections carry proxy headers but come from addresses missing from Admission:TrustedProxies, so they are counted by the proxy's address.",
        "silent_proxy" => "a trusted proxy does not send client addresses in the way that Listen:ClientAddress expects.",
        _ => Printable.CleanOrUnknown(warning),
    };

    private static StatsRow Clients(Stats stats)
    {
        var (connections, limits) = (stats.Connections ?? new Connections(), stats.Limits ?? new Limits());
        var full = limits.Total > 0 ? (double)connections.Current / limits.Total : 0;
        return new("clients",
        [
            new StatsRow.Part($"{Units.Count(connections.Current)} of {Units.Count(limits.Total)} ({Units.Share(connections.Current, limits.Total)})", Fullness(full)),
            .. Uncounted(connections.Uncounted),
            .. OfOneRelay(stats,
                $"peak {Units.Count(connections.Peak)}",
                $"from {Units.Count(connections.Addresses)} {(connections.Addresses == 1 ? "address" : "addresses")}"),
            $"{Units.Count(limits.PerIp)} per address (IPv6 /{limits.Ipv6Prefix})",
            $"revision {limits.Revision}",
            .. GuardRows.Effective(stats.Capacity),
        ]);
    }

    // What does not add up is not shown for several nodes.
    private static IEnumerable<StatsRow.Part> OfOneRelay(Stats stats, params IEnumerable<StatsRow.Part> parts) => ClusterText.IsSum(stats) ? [] : parts;

    /// <summary>"+12 not counted (unlimited networks)"; nothing where there are none.</summary>
    public static IEnumerable<StatsRow.Part> Uncounted(long connections) =>
        connections > 0 ? [$"+{Units.Count(connections)} not counted (unlimited networks)"] : [];

    // Refusals because of the shutdown are only seen in its last moments; omitted otherwise.
    private static StatsRow Refused(Refusals refused, StatsRates rates) => new("refused",
        [
            new StatsRow.Part($"total limit {Units.Count(refused.TotalLimit)}", refused.TotalLimit > 0 ? Tone.Warning : Tone.Plain),
            $"per address {Units.Count(refused.PerIpLimit)}",
            .. refused.Stopping > 0 ? [$"stopping {Units.Count(refused.Stopping)}"] : Array.Empty<StatsRow.Part>(),
            .. ByReason(refused.ByReason.Where(pair => pair.Key is not ("total_limit" or "per_ip_limit" or "stopping"))),
            .. Known(rates.Refused, Units.Rate),
        ]);

    private static StatsRow Sockets(Connections connections, StatsRates rates) => new("sockets",
        [
            $"signaling {Units.Count(connections.Signaling)}",
            $"relay {Units.Count(connections.Relay)}",
            $"admitted {Units.Count(connections.AdmittedTotal)}",
            .. Known(rates.Admitted, Units.Rate),
        ]);

    private static StatsRow Pairing(Stats stats, Pairing pairing) => new("pairing",
    [
        $"codes {Units.Count(pairing.ActiveCodes)}",
        .. OfOneRelay(stats, $"peak {Units.Count(pairing.PeakActiveCodes)}"),
        $"pending {Units.Count(pairing.PendingRequests)} pairs, {Units.Count(pairing.PendingLinks)} links",
        $"registrations {Units.Count(pairing.RegistrationsTotal)}",
        $"collisions {Units.Count(pairing.CollisionsTotal)}",
        .. OfOneRelay(stats, new StatsRow.Part($"risk {Printable.CleanOrUnknown(pairing.CollisionRisk)}", pairing.CollisionRisk switch { "high" => Tone.Alarm, "medium" => Tone.Warning, _ => Tone.Plain })),
    ]);

    private static StatsRow Traffic(Traffic traffic, StatsRates rates) => new("traffic",
        $"in {Units.Count(traffic.MessagesReceivedTotal)} messages, {Units.Bytes(traffic.BytesReceivedTotal)}{Rate(rates.MessagesIn, rates.BytesIn)}",
        $"out {Units.Count(traffic.MessagesSentTotal)} messages, {Units.Bytes(traffic.BytesSentTotal)}{Rate(rates.MessagesOut, rates.BytesOut)}",
        $"queued {Units.Count(traffic.QueuedMessages)}",
        $"rate-limited {Units.Count(traffic.RateLimitedTotal)}",
        $"dropped {Units.Count(traffic.DroppedTotal)}");

    private static StatsRow Peers(Peers peers) => new("peers",
        [
            $"authenticated {Units.Count(peers.Authenticated)}",
            $"pending {Units.Count(peers.Pending)}",
            $"gossip ignored {Units.Count(peers.GossipIgnoredTotal)}",
            .. ByReason(peers.RefusedTotal).Select(part => (StatsRow.Part)$"refused {part.Text}"),
        ]);

    private static StatsRow Process(Process process)
    {
        var openFiles = process.OpenFilesLimit > 0
            ? new StatsRow.Part($"open files {Units.Count(process.OpenFiles)} of {Units.Count(process.OpenFilesLimit)}", Fullness((double)process.OpenFiles / process.OpenFilesLimit))
            : $"open files {(process.OpenFiles > 0 ? Units.Count(process.OpenFiles) : Units.Unknown)}";
        return new("process",
            $"RSS {Units.Bytes(process.ResidentBytes)}",
            $"heap {Units.Bytes(process.HeapBytes)}",
            openFiles,
            $"CPU {Units.Duration(process.CpuTime)}",
            $"threads {Units.Count(process.Threads)}",
            $"gen2 {Units.Count(process.CollectionsGen2)}");
    }

    private static StatsRow Ledger(LedgerStatus ledger, Stats stats) => new("ledger",
        ledger.Drift == 0 ? new StatsRow.Part("mismatch 0", Tone.Good) : new StatsRow.Part($"MISMATCH {Signed(ledger.Drift)}", Tone.Alarm),
        new StatsRow.Part($"{Units.Count(ledger.RunsTotal)} checks, {Units.Count(ledger.DriftsTotal)} mismatches", ledger.DriftsTotal > 0 ? Tone.Alarm : Tone.Plain),
        // Against the snapshot's own time: the relay's clock, not ours.
        ledger.Time is null || stats.Time is null ? "last never" : $"last {Units.Ago(ledger.Time, stats.Time.ToDateTimeOffset())}");

    /// <summary>How much attention wants what is full to this share.</summary>
    public static Tone Fullness(double share) => share switch { >= 0.95 => Tone.Alarm, >= 0.8 => Tone.Warning, _ => Tone.Plain };

    private static string Rate(double? messages, double? bytes) =>
        messages is null ? "" : $" ({Units.Rate(messages)}, {Units.ByteRate(bytes)})";

    private static IEnumerable<StatsRow.Part> Known(double? rate, Func<double?, string> show) => rate is null ? [] : [show(rate)];

    /// <summary>"per_ip 3,400", most first; what is 0 is omitted.</summary>
    public static IEnumerable<StatsRow.Part> ByReason(IEnumerable<KeyValuePair<string, long>> counts) =>
        counts.Where(pair => pair.Value != 0).OrderByDescending(pair => pair.Value).ThenBy(pair => pair.Key, StringComparer.Ordinal)
            .Select(pair => (StatsRow.Part)$"{Printable.CleanOrUnknown(pair.Key)} {Units.Count(pair.Value)}");

    public static string Signed(long value) => value > 0 ? $"+{Units.Count(value)}" : Units.Count(value);
}
