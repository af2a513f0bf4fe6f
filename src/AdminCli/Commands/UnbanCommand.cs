using System.CommandLine;
using Relay.AdminApi;

namespace Relay.AdminCli.Commands;

/// <summary>Lifts bans.</summary>
internal static class UnbanCommand
{
    public static Command Create(GlobalOptions globals, CommandContext context)
    {
        var network = NetworkArgument.Create("Every ban of this network, or of a part of it, ends; 0.0.0.0/0 is all of IPv4.");
        var subject = SubjectArgument.Create("The ban of this subject ends.");
        var reason = ChangeFlags.ReasonOption();
        var command = new ExampleCommand(
            "unban",
            "Lifts bans, yours and the relay's own.",
            "What the relay counted against a banned address is forgotten with it. No ban matches: exit code 1.",
            "relayctl unban 203.0.113.7",
            "relayctl unban ::/0    # every IPv6 ban",
            "relayctl unban --subject alice")
        {
            network,
            subject,
            reason,
        };
        SubjectArgument.RequireOneOf(command, network, subject);
        return command.WithAction(globals, context, async call =>
        {
            var request = new UnbanRequest
            {
                Network = call.Options.GetValue(network) ?? "",
                Subject = call.Options.GetValue(subject) ?? "",
                Reason = call.Options.GetValue(reason) ?? "",
            };
            var response = await call.Connection.Policy.UnbanAsync(request, call.Unary);
            call.Output.Answer(response, () => call.Output.Rows(
            [
                .. response.Bans.Select(ban => new StatsRow("unbanned", SubjectArgument.Of(ban), Printable.Clean(ban.Source), Printable.Clean(ban.Reason))),
                new("revision", $"{response.Revision}"),
                .. ClusterText.InForce(response.Nodes),
            ]));
            foreach (var warning in response.Warnings)
            {
                call.Error.WriteLine($"warning: {Printable.Clean(warning)}");
            }

            return ExitCodes.Ok;
        });
    }
}
