using System.Text.Json.Nodes;
using Relay.AdminApi;

namespace Relay.AdminCli;

/// <summary>States of a monitoring plugin; their values are its exit codes.</summary>
internal enum CheckState
{
    Ok,
    Warning,
    Critical,
    Unknown,
}

/// <summary>From where on something is a problem.</summary>
/// <param name="ClientsWarning">Percent of the clients that the relay can admit.</param>
/// <param name="Nodes">How many nodes the cluster has when it is whole; null: not checked.</param>
internal sealed record CheckThresholds(int ClientsWarning, int ClientsCritical, TimeSpan CertificateWarning, TimeSpan CertificateCritical, int? Nodes);

/// <summary>The state of a relay as a monitoring system wants it: the worst of what is wrong, in one line.</summary>
internal sealed class CheckReport
{
    private static readonly string[] OverloadLevels = ["normal", "elevated", "critical"];

    private readonly List<(CheckState State, string Text)> _problems = [];
    private readonly List<string> _summary = [];

    // Label, value and unit, warning, critical, minimum, maximum.
    private readonly List<(string Label, string Value)> _performance = [];

    private CheckReport()
    {
    }

    public CheckState State => _problems.Count == 0 ? CheckState.Ok : _problems.Max(problem => problem.State);

    public string Line => $"RELAY {Word(State)} - {string.Join("; ", Texts)} | {string.Join(' ', _performance.Select(each => $"{each.Label}={each.Value}"))}";

    private IEnumerable<string> Texts => _problems.Count > 0 ? _problems.OrderByDescending(problem => problem.State).Select(problem => problem.Text) : _summary;

    /// <param name="nodes">Null: the relay is alone.</param>
    public static CheckReport Of(Stats stats, ListNodesResponse? nodes, CheckThresholds thresholds, DateTimeOffset now)
    {
        var report = new CheckReport();
        report.Clients(stats, thresholds);
        report.Overload(stats.Overload?.Level ?? "");
        foreach (var certificate in stats.Certificates)
        {
            report.Certificate(certificate, thresholds, now);
        }

        report.Cluster(nodes, thresholds.Nodes);
        report.Add(stats.State != "ready", CheckState.Warning, $"the relay is {Printable.CleanOrUnknown(stats.State)}");
        report.Add(stats.Storage?.Away == true, CheckState.Critical, "the database is away");
        report.Add(stats.Ledger?.Drift is not (null or 0), CheckState.Critical, "the ledger does not match the open sockets");
        report.Add(stats.AuditFile?.Failing == true, CheckState.Warning, "the audit log cannot be written");
        foreach (var warning in stats.ClientAddress?.Warnings ?? [])
        {
            report.Add(true, CheckState.Warning, $"proxy warning {Printable.Clean(warning)}");
        }

        return report;
    }

    /// <summary>For a relay that gave no answer.</summary>
    public static CheckReport OfFailure(CheckState state, string text)
    {
        var report = new CheckReport();
        report.Add(true, state, text);
        return report;
    }

    public static string Word(CheckState state) => state switch
    {
        CheckState.Ok => "OK",
        CheckState.Warning => "WARNING",
        CheckState.Critical => "CRITICAL",
        _ => "UNKNOWN",
    };

    public JsonObject ToJson() => new()
    {
        ["state"] = Word(State),
        ["problems"] = new JsonArray([.. _problems.Select(problem => (JsonNode)new JsonObject { ["state"] = Word(problem.State), ["text"] = problem.Text })]),
        ["performance"] = new JsonObject(_performance.Select(each => KeyValuePair.Create(each.Label, (JsonNode?)each.Value))),
    };

    private void Clients(Stats stats, CheckThresholds thresholds)
    {
        var current = stats.Connections?.Current ?? 0;
        var limit = stats.Capacity is { EffectiveTotal: > 0 } capacity ? capacity.EffectiveTotal : stats.Limits?.Total ?? 0;
        var (warning, critical) = (limit * thresholds.ClientsWarning / 100, limit * thresholds.ClientsCritical / 100);
        var text = $"{Units.Count(current)} of {Units.Count(limit)} clients";
        _summary.Add(text);
        Add(current > warning, current > critical ? CheckState.Critical : CheckState.Warning, text);
        _performance.Add(("clients", $"{current};{warning};{critical};0;{limit}"));
        _performance.Add(("refused", $"{stats.Refused?.ByReason.Values.Sum() ?? 0}c;;;0"));
    }

    private void Overload(string level)
    {
        var text = $"overload level {Printable.CleanOrUnknown(level)}";
        var rank = Array.IndexOf(OverloadLevels, level);
        _summary.Add(text);
        Add(rank > 0, rank == 1 ? CheckState.Warning : CheckState.Critical, text);
        if (rank >= 0)
        {
            _performance.Add(("overload", $"{rank};0;1;0;2"));
        }
    }

    private void Certificate(CertificateStats certificate, CheckThresholds thresholds, DateTimeOffset now)
    {
        var left = (certificate.ExpiresAt?.ToDateTimeOffset() ?? now) - now;
        var name = $"certificate of the {Printable.Word(certificate.Listener)} listener";
        var text = left <= TimeSpan.Zero ? $"{name} has expired" : $"{name} expires in {Units.Duration(left)}";
        _summary.Add(text);
        Add(left < thresholds.CertificateWarning, left < thresholds.CertificateCritical ? CheckState.Critical : CheckState.Warning, text);
        _performance.Add(($"certificate_{Printable.Word(certificate.Listener)}", $"{(long)left.TotalSeconds}s;{Seconds(thresholds.CertificateWarning)}:;{Seconds(thresholds.CertificateCritical)}:"));

        static long Seconds(TimeSpan time) => (long)time.TotalSeconds;
    }

    private void Cluster(ListNodesResponse? nodes, int? expected)
    {
        var count = nodes?.Nodes.Count ?? 1;
        var text = $"{Units.Count(count)} node{(count == 1 ? "" : "s")}";
        Add(count < expected, CheckState.Critical, $"{text} of {Units.Count(expected ?? 0)}");
        if (nodes is null && expected is null)
        {
            return;
        }

        _summary.Add(text);
        _performance.Add(("nodes", $"{count};;{(expected is { } least ? $"{least}:" : "")};0"));
        Add(nodes?.Away == true, CheckState.Critical, "NATS cannot be reached, the relay is cut off from its cluster");
        foreach (var missing in nodes?.Missing ?? [])
        {
            Add(true, CheckState.Warning, ClusterText.Missing(missing));
        }
    }

    // A bar would begin the performance data.
    private void Add(bool isSo, CheckState state, string text)
    {
        if (isSo)
        {
            _problems.Add((state, text.Replace('|', '/')));
        }
    }
}
