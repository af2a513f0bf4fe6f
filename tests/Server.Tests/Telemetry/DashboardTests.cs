using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Server.Tests.Telemetry;

/// <summary>deploy/grafana/relay.json shows nothing that docs/metrics.md does not have.</summary>
public sealed partial class DashboardTests
{
    private static readonly Dictionary<string, string> Documented = Rows();

    public static TheoryData<string, string> Expressions() => [.. Panels().SelectMany(panel => panel.Expressions.Select(expression => (panel.Title, expression)))];

    [Theory]
    [MemberData(nameof(Expressions))]
    public void Expression_OfEachPanel_NamesMetricsAndLabelsThatThereAre(string title, string expression)
    {
        var names = Metric().Matches(expression).Select(match => match.Value).Select(name => Documented.ContainsKey(name) ? name : name.Replace("_bucket", "", StringComparison.Ordinal)).ToArray();
        Assert.True(names.Length > 0, $"{title}: {expression}");
        Assert.All(names, name => Assert.True(Documented.ContainsKey(name), $"{title}: {name}"));
        // Every other label is Prometheus' own.
        var labels = Grouping().Matches(expression).SelectMany(match => match.Groups[1].Value.Split(',')).Concat(Selector().Matches(expression).Select(match => match.Groups[1].Value));
        Assert.All(labels.Select(label => label.Trim()).Where(label => label is not ("instance" or "le")),
            label => Assert.Contains(label, names.SelectMany(name => Word().Matches(Documented[name])).Select(match => match.Value)));
    }

    [Fact]
    public void Panels_All_HaveAnIdOfTheirOwnAndATitle()
    {
        using var dashboard = Read();
        var panels = dashboard.RootElement.GetProperty("panels").EnumerateArray().ToArray();
        Assert.Equal(panels.Length, panels.Select(panel => panel.GetProperty("id").GetInt32()).Distinct().Count());
        Assert.All(panels, panel => Assert.NotEqual("", panel.GetProperty("title").GetString()));
        Assert.True(Panels().Count() > 20);
    }

    private static IEnumerable<(string Title, string[] Expressions)> Panels()
    {
        using var dashboard = Read();
        return [.. dashboard.RootElement.GetProperty("panels").EnumerateArray()
            .Where(panel => panel.TryGetProperty("targets", out _))
            .Select(panel => (panel.GetProperty("title").GetString()!, panel.GetProperty("targets").EnumerateArray().Select(target => target.GetProperty("expr").GetString()!).ToArray()))];
    }

    // The name of each metric, and the text of its column "labels".
    private static Dictionary<string, string> Rows() => File.ReadLines(InRepository("docs/metrics.md"))
        .SkipWhile(line => line != "## Metrics").TakeWhile(line => line != "## Close reasons")
        .Where(line => line.StartsWith("| `", StringComparison.Ordinal))
        .Select(line => line.Split(" | "))
        .SelectMany(cells => Code().Matches(cells[0]).Select(match => (Name: match.Groups[1].Value, Labels: cells[1])))
        .ToDictionary(row => row.Name, row => row.Labels);

    private static JsonDocument Read() => JsonDocument.Parse(File.ReadAllText(InRepository("deploy/grafana/relay.json")));

    private static string InRepository(string path, [CallerFilePath] string here = "") => Path.Combine(Path.GetDirectoryName(here)!, "../../..", path);

    [GeneratedRegex("`([a-z0-9_]+)`")]
    private static partial Regex Code();

    [GeneratedRegex(@"\b(relay|process|dotnet)_[a-z0-9_]+")]
    private static partial Regex Metric();

    [GeneratedRegex(@"by \(([^)]*)\)")]
    private static partial Regex Grouping();

    [GeneratedRegex(@"[{,]([a-z_]+)=")]
    private static partial Regex Selector();

    [GeneratedRegex("[a-z_]+")]
    private static partial Regex Word();
}
