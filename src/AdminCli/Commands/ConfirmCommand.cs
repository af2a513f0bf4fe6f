using System.CommandLine;
using Relay.AdminApi;

namespace Relay.AdminCli.Commands;

/// <summary>Keeps a change that was made with --confirm-within.</summary>
internal static class ConfirmCommand
{
    public static Command Create(GlobalOptions globals, CommandContext context)
    {
        var revision = new Argument<long?>("revision")
        {
            Description = "The revision to confirm (default: all that wait).",
            Arity = ArgumentArity.ZeroOrOne,
            CustomParser = ArgumentParsers.Whole<long>("The revision", 1, long.MaxValue),
        };
        return new ExampleCommand(
            "confirm",
            "Keeps a change that waits for a confirmation.",
            "A change made with --confirm-within is reverted when that time has passed; this keeps it. An operator who is locked out by a change cannot confirm it. "
                + "Nothing waits: exit code 1.",
            "relayctl confirm",
            "relayctl confirm 7    # only this one")
        {
            revision,
        }.WithAction(globals, context, async call =>
        {
            var request = new ConfirmPolicyRequest { Revision = call.Options.GetValue(revision) ?? 0 };
            var response = await call.Connection.Policy.ConfirmPolicyAsync(request, call.Unary);
            call.Output.Answer(response, () => call.Output.Line($"Confirmed revision {string.Join(", ", response.Confirmed)}; the current revision is {response.Revision}."));

            return ExitCodes.Ok;
        });
    }
}
