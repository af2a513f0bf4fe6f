using System.CommandLine;
using Relay.AdminApi;

namespace Relay.AdminCli.Commands;

/// <summary>Lifts bans.</summary>
internal static class UnbanCommand
{
    public static Command Create(GlobalOptions globals, CommandContext context)
    {
        var network = NetworkArgument.Create("Every ban of this network, or of a part of it, ends; 0.0.0.0/0 is all of IPv4.");
        var reason = ChangeFlags.ReasonOption();
        return new ExampleCommand(
            "unban",
            "Lifts bans, yours and the relay's own.",
            "What the relay counted against a banned address is forgotten with it. No ban matches: exit code 1.",
            "relayctl unban 203.0.113.7",
            "relayctl unban ::/0    # every IPv6 ban")
        {
            network,
            reason,
        }.WithAction(globals, context, async call =>
        {
            var request = new UnbanRequest { Network = call.Options.GetValue(network) ?? "", Reason = call.Options.GetValue(reason) ?? "" };
            var response = await call.Connection.Policy.UnbanAsync(request, call.Unary);
            if (call.Output.IsJson)
            {
                call.Output.Json(response);
                return ExitCodes.Ok;
            }

            call.Output.Rows(
            [
                .. response.Bans.Select(ban => new StatsRow("unbanned", Printable.CleanOrUnknown(ban.Network), Printable.Clean(ban.Source), Printable.Clean(ban.Reason))),
                new("revision", $"{response.Revision}"),
            ]);
            foreach (var warning in response.Warnings)
            {
                call.Error.WriteLine($"warning: {Printable.Clean(warning)}");
            }

            return ExitCodes.Ok;
        });
    }
}
