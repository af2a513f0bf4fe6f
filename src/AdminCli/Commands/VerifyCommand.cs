using System.CommandLine;
using Relay.AdminApi;

namespace Relay.AdminCli.Commands;

/// <summary>Compares the ledger with the open sockets.</summary>
internal static class VerifyCommand
{
    private static readonly Column[] Columns = [new("ADDRESS"), new("LEDGER", ToTheRight: true), new("OPEN", ToTheRight: true), new("DRIFT", ToTheRight: true)];

    public static Command Create(GlobalOptions globals, CommandContext context) =>
        new ExampleCommand(
            "verify",
            "Checks the ledger against the open sockets.",
            "The relay counts its open client sockets and compares them with the slots in its admission ledger, in total and per address. Exit code 0 when all "
                + "counts match, 1 when they do not: a mismatch is a bug in relayd. Shows the addresses that differ, at most 100.",
            "relayctl verify",
            "relayctl verify > /dev/null || echo 'relay ledger mismatch' | mail -s relay oncall")
            .WithAction(globals, context, VerifyAsync);

    private static async Task<int> VerifyAsync(AdminCall call)
    {
        var response = await call.Connection.Admin.VerifyAsync(new VerifyRequest(), call.Unary);
        return Show(call.Output, call.Error, response);
    }

    internal static int Show(Output output, TextWriter error, VerifyResponse response)
    {
        output.Answer(response, () =>
        {
            output.Rows(
            [
                new("ledger", $"{Units.Count(response.LedgerConnections)} slots"),
                new("open", [$"{Units.Count(response.LiveConnections)} sockets", .. Uncounted(response.Uncounted)]),
                new("mismatch", new StatsRow.Part($"{Units.Count(response.Drift)}{(response.Ok ? ", all counts match" : "")}", response.Ok ? Tone.Good : Tone.Alarm)),
            ]);
            if (response.Addresses.Count > 0)
            {
                output.Table(Columns, [.. response.Addresses.Select(Row)]);
            }
        });

        if (response.Ok)
        {
            return ExitCodes.Ok;
        }

        error.WriteLine("MISMATCH: the ledger does not match the open sockets. This is a bug in relayd: keep its log and report it.\nUntil relayd is restarted, limits may apply too early or too late.");
        return ExitCodes.Rejected;
    }

    private static StatsRow.Part[] Uncounted(long connections) =>
        connections > 0 ? [$"{Units.Count(connections)} of them not counted (unlimited networks)"] : [];

    private static string[] Row(IpDrift drift) =>
    [
        Printable.CleanOrUnknown(drift.Key),
        Units.Plain(drift.LedgerConnections),
        Units.Plain(drift.LiveConnections),
        Units.Plain(drift.LedgerConnections - drift.LiveConnections),
    ];
}
