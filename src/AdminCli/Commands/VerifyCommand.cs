using System.CommandLine;
using Relay.AdminApi;

namespace Relay.AdminCli.Commands;

/// <summary>Has the relay recount its sockets.</summary>
internal static class VerifyCommand
{
    private static readonly Column[] Columns = [new("ADDRESS"), new("BOOKS", ToTheRight: true), new("LIVE", ToTheRight: true), new("DRIFT", ToTheRight: true)];

    public static Command Create(GlobalOptions globals, CommandContext context) =>
        new ExampleCommand(
            "verify",
            "Recounts the live sockets and compares them with the books.",
            "The relay recounts its live client sockets and compares them with what admission has on its books. Exit code 0 when every count agrees, "
                + "1 when not: a drift is a defect of the relay. Shows the addresses that differ, at most 100.",
            "relayctl verify",
            "relayctl verify > /dev/null || echo 'relay lost count' | mail -s relay oncall")
            .WithAction(globals, context, VerifyAsync);

    private static async Task<int> VerifyAsync(AdminCall call)
    {
        var response = await call.Connection.Admin.VerifyAsync(new VerifyRequest(), call.Unary);
        return Show(call.Output, call.Error, response);
    }

    internal static int Show(Output output, TextWriter error, VerifyResponse response)
    {
        if (output.IsJson)
        {
            output.Json(response);
        }
        else
        {
            output.Rows(
            [
                new("books", $"{Units.Count(response.LedgerConnections)} places"),
                new("live", [$"{Units.Count(response.LiveConnections)} sockets", .. Uncounted(response.Uncounted)]),
                new("drift", new StatsRow.Part($"{Units.Count(response.Drift)}{(response.Ok ? ", every count agrees" : "")}", response.Ok ? Tone.Good : Tone.Alarm)),
            ]);
            if (response.Addresses.Count > 0)
            {
                output.Table(Columns, [.. response.Addresses.Select(Row)]);
            }
        }

        if (response.Ok)
        {
            return ExitCodes.Ok;
        }

        error.WriteLine("DRIFT: the relay's books do not match its live sockets. This is a defect of the relay: keep its log and report it.\nLimits may refuse too early or too late until it is restarted.");
        return ExitCodes.Refused;
    }

    private static StatsRow.Part[] Uncounted(long connections) =>
        connections > 0 ? [$"{Units.Count(connections)} of them not counted (unlimited networks)"] : [];

    private static string[] Row(IpDrift drift) =>
    [
        Printable.CleanOrUnknown(drift.Key),
        Units.Count(drift.LedgerConnections),
        Units.Count(drift.LiveConnections),
        Units.Count(drift.LedgerConnections - drift.LiveConnections),
    ];
}
