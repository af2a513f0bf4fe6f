using System.CommandLine;
using Relay.AdminApi;

namespace Relay.AdminCli.Commands;

/// <summary>Goes back to an earlier revision.</summary>
internal static class LimitsRollbackCommand
{
    public static Command Create(GlobalOptions globals, CommandContext context)
    {
        var revision = new Argument<long?>("revision")
        {
            Description = "A revision that `relayctl limits history` shows.",
            Arity = ArgumentArity.ExactlyOne,
            CustomParser = ArgumentParsers.Whole<long>("The revision", 1, long.MaxValue),
        };
        var flags = new ChangeFlags();
        var command = new ExampleCommand(
            "rollback",
            "Restores an earlier revision.",
            "Every item becomes what it was then: limits, overrides, bans (those whose time is not over), shadow. That is a new revision, so it can be rolled back as well.",
            "relayctl limits rollback 3",
            "relayctl limits rollback 3 --dry-run    # what would change")
        {
            revision,
        };
        flags.AddTo(command);
        return command.WithAction(globals, context, async call =>
        {
            var request = new RollbackPolicyRequest { Revision = call.Options.GetValue(revision) ?? 0, Options = flags.Read(call.Options) };
            var response = await call.Connection.Policy.RollbackPolicyAsync(request, call.Unary);
            return ChangeReport.Show(call, response, request.Options.DryRun);
        });
    }
}
