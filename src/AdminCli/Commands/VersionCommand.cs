using System.CommandLine;
using System.Reflection;
using System.Text.Json.Nodes;
using Relay.AdminApi;

namespace Relay.AdminCli.Commands;

/// <summary>Which relayctl this is, and which relayd it would talk to.</summary>
internal static class VersionCommand
{
    private static readonly string Client =
        typeof(VersionCommand).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion.Split('+')[0];

    public static Command Create(GlobalOptions globals, CommandContext context) => new ExampleCommand(
        "version",
        "Shows the version of relayctl and of the running relayd.",
        "Exit code 0 also if relayd cannot be reached; then its version is - (null with -o json), and the reason is on standard error.",
        "relayctl version",
        "relayctl version -o json | jq -r .server").WithAction(
        globals,
        context,
        async call =>
        {
            var stats = await call.Connection.Admin.GetStatsAsync(new GetStatsRequest(), call.Unary);
            return Show(call.Output, stats.Version);
        },
        (output, error, failure) =>
        {
            if (failure.ExitCode == ExitCodes.Usage)
            {
                error.WriteLine(failure.Message);
                return ExitCodes.Usage;
            }

            error.WriteLine($"note: the version of relayd is unknown. {failure.Message}");
            return Show(output, server: null);
        });

    private static int Show(Output output, string? server)
    {
        output.Answer(new JsonObject { ["client"] = Client, ["server"] = server }, () => output.Rows([new("relayctl", Client), new("relayd", Printable.CleanOrUnknown(server ?? ""))]));

        return ExitCodes.Ok;
    }
}
