using System.CommandLine;
using Relay.AdminApi;

namespace Relay.AdminCli.Commands;

/// <summary>What differs between two revisions.</summary>
internal static class LimitsDiffCommand
{
    private static readonly Column[] Columns = [new("ITEM"), new("BEFORE"), new("AFTER")];

    public static Command Create(GlobalOptions globals, CommandContext context)
    {
        var from = new Argument<long?>("from")
        {
            Description = "A revision that `relayctl limits history` shows.",
            Arity = ArgumentArity.ExactlyOne,
            CustomParser = ArgumentParsers.Whole<long>("The revision", 1, long.MaxValue),
        };
        var to = new Argument<long?>("to")
        {
            Description = "Another (default: the current one).",
            Arity = ArgumentArity.ZeroOrOne,
            CustomParser = ArgumentParsers.Whole<long>("The revision", 1, long.MaxValue),
        };
        return new ExampleCommand(
            "diff",
            "Shows what differs between two revisions.",
            "Every item that is not the same in both, with its text in each; (none) where it is not there.",
            "relayctl limits diff 3      # from revision 3 to the current one",
            "relayctl limits diff 3 5")
        {
            from,
            to,
        }.WithAction(globals, context, async call =>
        {
            var request = new DiffPolicyRequest { From = call.Options.GetValue(from) ?? 0, To = call.Options.GetValue(to) ?? 0 };
            var response = await call.Connection.Policy.DiffPolicyAsync(request, call.Unary);
            call.Output.List(response, [DiffPolicyResponse.ChangesFieldNumber], () =>
            {
                if (response.Changes.Count == 0)
                {
                    call.Output.Line($"Revisions {response.From} and {response.To} are equal.");
                }
                else
                {
                    call.Output.Table(Columns, [.. response.Changes.Select(Row)]);
                }
            });

            return ExitCodes.Ok;
        });
    }

    private static string[] Row(PolicyDifference change) =>
        [Printable.Clean(change.Path), PolicyTexts.Side(change.HasBefore, change.Before), PolicyTexts.Side(change.HasAfter, change.After)];
}
