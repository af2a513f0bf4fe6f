using System.CommandLine;
using Relay.AdminApi;

namespace Relay.AdminCli.Commands;

/// <summary>The limits in force.</summary>
internal static class LimitsCommand
{
    public static Command Create(GlobalOptions globals, CommandContext context) =>
        new ExampleCommand(
            "limits",
            "Shows the limits in force and their revision.",
            "The limits that hold for the next connection, in client sockets. The revision counts up by one with every change; it is 1 at start.",
            "relayctl limits",
            "relayctl limits -o json | jq -r .limits.revision    # for set-limit --expect-revision")
            .WithAction(globals, context, ShowAsync);

    private static async Task<int> ShowAsync(AdminCall call)
    {
        var response = await call.Connection.Admin.GetLimitsAsync(new GetLimitsRequest(), call.Unary);
        if (call.Output.IsJson)
        {
            call.Output.Json(response);
            return ExitCodes.Ok;
        }

        var limits = response.Limits ?? new Limits();
        call.Output.Rows(
        [
            new("total", $"{Units.Count(limits.Total)} clients"),
            new("per-ip", $"{Units.Count(limits.PerIp)} clients of one address (IPv6: of one /{limits.Ipv6Prefix})"),
            new("revision", $"{limits.Revision}"),
        ]);
        return ExitCodes.Ok;
    }
}
