using System.CommandLine;
using System.CommandLine.Parsing;
using Relay.AdminApi;

namespace Relay.AdminCli.Commands;

/// <summary>The relay as a monitoring system sees it.</summary>
internal static class CheckCommand
{
    private const int DefaultClientsWarning = 80;
    private const int DefaultClientsCritical = 95;
    private const int MaxNodes = 1000;
    private static readonly TimeSpan DefaultCertificateWarning = TimeSpan.FromDays(14);
    private static readonly TimeSpan DefaultCertificateCritical = TimeSpan.FromDays(3);

    public static Command Create(GlobalOptions globals, CommandContext context)
    {
        var clientsWarning = Percent("--clients-warning", DefaultClientsWarning);
        var clientsCritical = Percent("--clients-critical", DefaultClientsCritical);
        var certificateWarning = Left("--certificate-warning", "14d");
        var certificateCritical = Left("--certificate-critical", "3d");
        var nodes = new Option<int?>("--nodes")
        {
            Description = "How many nodes the cluster has when it is whole, 1 to 1,000; fewer are critical. Default: not checked.",
            HelpName = "count",
            CustomParser = ArgumentParsers.Whole<int>("--nodes", 1, MaxNodes),
        };
        var command = new ExampleCommand(
            "check",
            "Checks the relay for a monitoring system (Nagios, Icinga).",
            "Prints one line with performance data, and exits with 0 (OK), 1 (WARNING), 2 (CRITICAL) or 3 (UNKNOWN). Looks at clients against the limit in effect, overload level, "
                + "certificates, database, cluster, readiness, ledger, audit log and proxy warnings. A relay that cannot be reached is CRITICAL; a malformed command line, or a call "
                + "that the relay rejects, is UNKNOWN.",
            "relayctl check",
            "relayctl check --clients-warning 70 --clients-critical 90 --certificate-warning 30d",
            "relayctl check --timeout 10s -o json | jq -r .state")
        {
            clientsWarning,
            clientsCritical,
            certificateWarning,
            certificateCritical,
            nodes,
        };
        command.UsageCode = (int)CheckState.Unknown;
        command.Validators.Add(result =>
        {
            var thresholds = Read(Valid(result, clientsWarning), Valid(result, clientsCritical), Valid(result, certificateWarning), Valid(result, certificateCritical), null);
            if (thresholds.ClientsWarning > thresholds.ClientsCritical)
            {
                result.AddError($"--clients-warning ({thresholds.ClientsWarning}) must not be above --clients-critical ({thresholds.ClientsCritical}).");
            }

            if (thresholds.CertificateWarning < thresholds.CertificateCritical)
            {
                result.AddError($"--certificate-warning ({Units.Duration(thresholds.CertificateWarning)}) must not be below --certificate-critical ({Units.Duration(thresholds.CertificateCritical)}).");
            }
        });
        return command.WithAction(
            globals,
            context,
            call => CheckAsync(call, Read(
                call.Options.GetValue(clientsWarning), call.Options.GetValue(clientsCritical), call.Options.GetValue(certificateWarning), call.Options.GetValue(certificateCritical),
                call.Options.GetValue(nodes))),
            Failed);
    }

    /// <summary>A relay that does not answer is what the check is there to find; what cannot be asked is not known.</summary>
    internal static int Failed(Output output, TextWriter error, Failure failure)
    {
        var state = failure.ExitCode == ExitCodes.Unreachable ? CheckState.Critical : CheckState.Unknown;
        output.Answer(CheckReport.OfFailure(state, failure.Message).ToJson(), () => output.Line($"RELAY {CheckReport.Word(state)} - {failure.Message.Replace('\n', ' ').Replace('|', '/')}"));

        return (int)state;
    }

    private static async Task<int> CheckAsync(AdminCall call, CheckThresholds thresholds)
    {
        var stats = await call.Connection.Admin.GetStatsAsync(new GetStatsRequest(), call.Unary);
        var nodes = stats.Cluster is null ? null : await call.Connection.Cluster.ListNodesAsync(new ListNodesRequest(), call.Unary);
        var report = CheckReport.Of(stats, nodes, thresholds, call.Context.Clock.GetUtcNow());
        call.Output.Answer(report.ToJson(), () => call.Output.Line(report.Line));

        return (int)report.State;
    }

    private static CheckThresholds Read(int? clientsWarning, int? clientsCritical, TimeSpan? certificateWarning, TimeSpan? certificateCritical, int? nodes) => new(
        clientsWarning ?? DefaultClientsWarning,
        clientsCritical ?? DefaultClientsCritical,
        certificateWarning ?? DefaultCertificateWarning,
        certificateCritical ?? DefaultCertificateCritical,
        nodes);

    // A validator comes before the values are read, and what is malformed is reported by itself.
    private static T? Valid<T>(CommandResult result, Option<T?> option)
        where T : struct
    {
        try
        {
            return result.GetValue(option);
        }
        catch (InvalidOperationException)
        {
            return null;
        }
    }

    private static Option<int?> Percent(string name, int usual) => new(name)
    {
        Description = $"More clients than this share of what the relay can admit, 1 to 100 percent (default {usual}).",
        HelpName = "percent",
        CustomParser = ArgumentParsers.Whole<int>(name, 1, 100),
    };

    private static Option<TimeSpan?> Left(string name, string usual) => new(name)
    {
        Description = $"A certificate expires within this time, 1h to 3650d (default {usual}).",
        HelpName = "time",
        CustomParser = ArgumentParsers.Duration(name, TimeSpan.FromHours(1), TimeSpan.FromDays(3650), "3d, 14d or 30d"),
    };
}
