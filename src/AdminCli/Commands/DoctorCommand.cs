using System.CommandLine;
using System.Text.Json.Nodes;
using Relay.AdminApi;

namespace Relay.AdminCli.Commands;

/// <summary>Looks for what commonly goes wrong, and says what to do.</summary>
internal static class DoctorCommand
{
    public static Command Create(GlobalOptions globals, CommandContext context) =>
        new ExampleCommand(
            "doctor",
            "Looks for what commonly goes wrong, and says what to do.",
            "Open files and memory against the total limit, the accept queue (net.core.somaxconn), clocks, certificates, proxy warnings, disk, database, audit log and cluster, as "
                + "the relay sees them. Changes nothing. Exit code 1 when there is something to do.",
            "relayctl doctor",
            "relayctl doctor -o json | jq -r '.findings[] | select(.ok | not) | .advice'")
            .WithAction(globals, context, ExamineAsync);

    private static async Task<int> ExamineAsync(AdminCall call)
    {
        var clock = call.Context.Clock;
        var (before, started) = (clock.GetUtcNow(), clock.GetTimestamp());
        var stats = await call.Connection.Admin.GetStatsAsync(new GetStatsRequest(), call.Unary);
        // The relay read its clock at some moment of the call.
        var half = clock.GetElapsedTime(started) / 2;
        var ahead = (stats.Time?.ToDateTimeOffset() ?? before) - (before + half);
        var nodes = stats.Cluster is null ? null : await call.Connection.Cluster.ListNodesAsync(new ListNodesRequest(), call.Unary);
        return Show(call.Output, Diagnosis.Of(stats, nodes, (ahead, half), clock.GetUtcNow()));
    }

    internal static int Show(Output output, IReadOnlyList<Finding> findings)
    {
        var problems = findings.Count(finding => finding.Advice.Length > 0);
        var rows = new JsonArray([.. findings.Select(finding => (JsonNode)new JsonObject
        {
            ["subject"] = finding.Subject,
            ["ok"] = finding.Advice.Length == 0,
            ["text"] = finding.Text,
            ["advice"] = finding.Advice,
        })]);
        output.List(new JsonObject { ["findings"] = rows }, rows, ["subject", "ok", "text", "advice"], () =>
        {
            output.Rows(findings.SelectMany(Rows));
            output.Line(problems == 0 ? "\nNothing to do." : $"\n{Units.Count(problems)} finding{(problems == 1 ? "" : "s")}.");
        });
        return problems == 0 ? ExitCodes.Ok : ExitCodes.Rejected;
    }

    private static IEnumerable<StatsRow> Rows(Finding finding)
    {
        yield return new(finding.Subject, new StatsRow.Part(finding.Text, finding.Advice.Length == 0 ? Tone.Good : Tone.Warning));
        if (finding.Advice.Length > 0)
        {
            yield return new("", $"-> {finding.Advice}");
        }
    }
}
