using System.CommandLine;
using Relay.AdminApi;

namespace Relay.AdminCli.Commands;

/// <summary>Keeps the running policy over a restart.</summary>
internal static class LimitsSaveCommand
{
    public static Command Create(GlobalOptions globals, CommandContext context) =>
        new ExampleCommand(
            "save",
            "Writes the limits in force to the policy file.",
            "The relay starts from this file from then on; its limits win over those of the settings. The file is replaced whole or not at all, and may be edited by hand "
                + "while the relay does not run. What is in force for a time only is saved with the moment at which it ends.",
            "relayctl limits save")
            .WithAction(globals, context, async call =>
            {
                var response = await call.Connection.Policy.SavePolicyAsync(new SavePolicyRequest(), call.Unary);
                if (call.Output.IsJson)
                {
                    call.Output.Json(response);
                    return ExitCodes.Ok;
                }

                call.Output.Rows(
                [
                    .. response.Changes.Select(change => new StatsRow(Printable.Clean(change.Path), ChangeReport.Change(change))),
                    new("saved", $"revision {response.Revision} in {Printable.Clean(response.File)}"),
                ]);
                return ExitCodes.Ok;
            });
}
