using System.Net;
using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using Relay.Addresses;
using Relay.Admission;
using Relay.Configuration;
using Relay.EndToEnd.Support;
using Relay.Policy;
using Relay.Protocol;
using Relay.Telemetry;
using Relay.Transport;

namespace Relay.EndToEnd.Telemetry;

/// <summary>/metrics against Prometheus' conventions and against docs/metrics.md.</summary>
public sealed partial class MetricsTests
{
    [Fact]
    public async Task Names_OfAllMetrics_AreThoseOfTheDocument()
    {
        await using var server = await RelayServer.StartAsync();

        var metrics = await ReadAsync(server);

        // A histogram that nothing was recorded in is not exported, nor is the end of a certificate where there is none.
        var hasLoops = TestTransport.Kind != TransportKind.Kestrel;
        Assert.Equal(
            DocumentedNames().Where(name => name is not ("relay_cluster_question_duration_seconds" or "relay_certificate_expiry_seconds")
                && (hasLoops || name != "relay_loop_turn_seconds")),
            Types(metrics).Select(type => type.Name).Order(StringComparer.Ordinal));
    }

    /// <summary>Of each label that the document has a closed list for, as soon as the relay runs: an alert must see the first event.</summary>
    [Fact]
    public async Task Series_OfAllLabels_ExistFromTheStart()
    {
        await using var server = await RelayServer.StartAsync();

        var metrics = await ReadAsync(server);

        var documented = DocumentedSeries().Order(StringComparer.Ordinal).ToArray();
        Assert.True(documented.Length > 40, string.Join('\n', documented));
        Assert.Empty(documented.Except(metrics.Split('\n').Select(line => line.Split(' ')[0])));
        Assert.Equal(
            CloseReasons.OfClients.Select(row => row.Label).Order(StringComparer.Ordinal),
            Values(metrics, "relay_sessions_closed_total", "reason").Order(StringComparer.Ordinal));
        Assert.Equal(
            Rejections.All.Select(row => row.Label).Order(StringComparer.Ordinal),
            Values(metrics, "relay_connections_refused_total", "reason").Order(StringComparer.Ordinal));
        Assert.Equal(
            Values(metrics, "relay_connections_refused_total", "reason"),
            Values(metrics, "relay_shadow_refused_total", "reason"));
    }

    [Fact]
    public async Task Conventions_OfPrometheus_AreKept()
    {
        await using var server = await RelayServer.StartAsync();

        var metrics = await ReadAsync(server);

        // The help text of target_info is the exporter's own.
        Assert.All(Types(metrics).Where(type => type.Name != "target_info"), type =>
        {
            Assert.True(type.Kind == "counter" == type.Name.EndsWith("_total", StringComparison.Ordinal), $"{type.Name} is a {type.Kind}");
            Assert.Matches($@"\n# HELP {type.Name} \p{{Lu}}[^\n]+\.\n", $"\n{metrics}");
        });
        Assert.Contains($"relay_build_info{{version=\"{ServerCommand.Version}\"}} 1", metrics, StringComparison.Ordinal);
        Assert.Matches($@"(?m)^target_info\{{(?=[^\n]*service_name=""relayd"")[^\n]*service_version=""{Regex.Escape(ServerCommand.Version)}""", metrics);
    }

    [Fact]
    public async Task Process_StandardMetrics_AreTheProcess()
    {
        await using var server = await RelayServer.StartAsync();

        var metrics = await ReadAsync(server);

        var now = TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds() / 1000.0;
        Assert.InRange(Value(metrics, "process_start_time_seconds{}"), now - TimeSpan.FromDays(1).TotalSeconds, now);
        Assert.InRange(Value(metrics, "process_open_fds{}"), 3, Value(metrics, "process_max_fds{}"));
        Assert.InRange(Value(metrics, "process_resident_memory_bytes{}"), 1e6, 1e12);
        Assert.True(Value(metrics, "process_cpu_seconds_total{}") > 0);
        Assert.True(Value(metrics, "process_threads{}") > 1);
        Assert.InRange(Value(metrics, "dotnet_gc_pause_max_seconds{}"), 0, Value(metrics, "dotnet_gc_pause_seconds_total{}"));
    }

    [Fact]
    public async Task State_Draining_IsShown()
    {
        await using var ready = await RelayServer.StartAsync();
        await using var draining = await RelayServer.StartAsync();

        Assert.True(draining.Get<RelayState>().TryDrain());

        Assert.Equal(["ready"], await OnAsync(ready));
        Assert.Equal(["draining"], await OnAsync(draining));

        static async Task<IEnumerable<string>> OnAsync(RelayServer server)
        {
            var metrics = await ReadAsync(server);
            return Values(metrics, "relay_state", "state").Where(state => Value(metrics, $"relay_state{{state=\"{state}\"}}") == 1);
        }
    }

    [Fact]
    public async Task BansAndOverrides_InEffect_AreCounted()
    {
        await using var server = await RelayServer.StartAsync(settings => settings.AutoBan.Threshold = 1);
        var admin = new PolicyAdmin(server.Channel);
        await admin.BanAsync("203.0.113.0/24");
        await admin.BanAsync("2001:db8::1");
        Assert.Empty((await server.Get<AdmissionGate>().ChangeAsync(
            new PolicyChange(new Dictionary<string, string?> { ["override/198.51.100.0/24"] = "7" }, "test"))).Errors);
        server.Get<AutoBans>().RecordViolation(IpKey.From(IPAddress.Parse("192.0.2.1"), 64));

        var metrics = await ReadAsync(server);

        Assert.Equal(
            (2, 1, 1, 4),
            (Value(metrics, "relay_bans{origin=\"operator\"}"), Value(metrics, "relay_bans{origin=\"automatic\"}"), Value(metrics, "relay_limit_overrides{}"), Value(metrics, "relay_limit_revision{}")));
    }

    /// <summary>The exporter writes a histogram after its first value, so both are given one.</summary>
    private static async Task<string> ReadAsync(RelayServer server)
    {
        server.Get<RelayMetrics>().AdmissionDecided(TimeSpan.FromMicroseconds(1));
        server.Get<RelayMetrics>().Forwarded(TimeSpan.FromMicroseconds(1));
        using var http = new HttpClient { BaseAddress = server.Http };
        return await http.GetStringAsync("/metrics", TestContext.Current.CancellationToken);
    }

    private static IEnumerable<(string Name, string Kind)> Types(string metrics) =>
        from Match match in TypeLine().Matches(metrics)
        select (match.Groups[1].Value, match.Groups[2].Value);

    private static IEnumerable<string> Values(string metrics, string name, string label) =>
        Regex.Matches(metrics, $"(?m)^{name}{{{label}=\"([^\"]+)\"}}").Select(match => match.Groups[1].Value);

    private static double Value(string metrics, string series) => double.Parse(
        metrics.Split('\n').Single(line => line.StartsWith($"{series} ", StringComparison.Ordinal)).Split(' ')[1], System.Globalization.CultureInfo.InvariantCulture);

    /// <summary>The rows of the first table: names, labels.</summary>
    private static IEnumerable<(string[] Names, string Labels)> Rows() => Section("Metrics")
        .Select(line => line.Split('|'))
        .Select(cells => (CodeSpan().Matches(cells[1]).Select(match => match.Groups[1].Value).ToArray(), cells[2]))
        .Where(row => row.Item1.Length > 0);

    private static IEnumerable<string> DocumentedNames() =>
        Rows().SelectMany(row => row.Names).Order(StringComparer.Ordinal);

    // "`reason`: late, per_ip, crowded"; notes in brackets are not values, and a link stands for a list elsewhere.
    private static IEnumerable<string> DocumentedSeries() =>
        from row in Rows()
        where row.Labels.Contains(": ", StringComparison.Ordinal) && !row.Labels.Contains("see ", StringComparison.Ordinal)
        let label = CodeSpan().Match(row.Labels).Groups[1].Value
        from value in Bracketed().Replace(row.Labels[(row.Labels.IndexOf(": ", StringComparison.Ordinal) + 2)..], "").Split(',')
        from name in row.Names
        select $"{name}{{{label}=\"{value.Trim()}\"}}";

    private static IEnumerable<string> Section(string heading) => File.ReadLines(Document())
        .SkipWhile(line => line != $"## {heading}")
        .Skip(1)
        .TakeWhile(line => !line.StartsWith("## ", StringComparison.Ordinal))
        .Where(line => line.StartsWith('|'));

    private static string Document([CallerFilePath] string here = "") => Path.Combine(Path.GetDirectoryName(here)!, "../../../docs/metrics.md");

    [GeneratedRegex("^# TYPE (\\S+) (\\S+)", RegexOptions.Multiline)]
    private static partial Regex TypeLine();

    [GeneratedRegex("`([a-z0-9_]+)`")]
    private static partial Regex CodeSpan();

    [GeneratedRegex(@"\([^)]*\)")]
    private static partial Regex Bracketed();
}
