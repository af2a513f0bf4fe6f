using System.CommandLine;
using Relay.AdminApi;

namespace Relay.AdminCli.Commands;

/// <summary>Changes one limit or both while the relay runs.</summary>
internal static class SetLimitCommand
{
    private const int Most = 1_000_000;

    public static Command Create(GlobalOptions globals, CommandContext context)
    {
        var total = Limit("--total", "Client sockets in all, 1 to 1,000,000. Not given: stays.");
        var perIp = Limit("--per-ip", "Client sockets of one address (IPv6: of one prefix), 1 to 1,000,000. Not given: stays.");
        var reason = new Option<string?>("--reason")
        {
            Description = "Why; goes to the relay's log beside who. At most 256 characters.",
            HelpName = "text",
        };
        var revision = new Option<long?>("--expect-revision")
        {
            Description = "Change only if this is the revision in force, as `relayctl limits` shows it; otherwise nothing changes and the exit code is 1.",
            HelpName = "revision",
            CustomParser = ArgumentParsers.Whole<long>("--expect-revision", 1, long.MaxValue),
        };
        var command = new ExampleCommand(
            "set-limit",
            "Changes the total limit, the limit per address, or both.",
            "The change holds for the next connection that arrives. Lowering a limit below the present count disconnects nobody: newcomers are refused until "
                + "the count has fallen. Nothing is saved: after a restart the relay's configuration holds again. Prints each limit before -> after; the relay's warnings go to stderr.",
            "relayctl set-limit --per-ip 50",
            "relayctl set-limit --total 20000 --per-ip 100 --reason 'conference, until Friday'",
            "relayctl set-limit --per-ip 50 --expect-revision 3    # only if nobody changed it since `relayctl limits`")
        {
            total,
            perIp,
            reason,
            revision,
        };
        command.Validators.Add(result =>
        {
            if (result.GetResult(total) is null && result.GetResult(perIp) is null)
            {
                result.AddError("Nothing to change: give --total N, --per-ip N or both, each 1 to 1,000,000.");
            }
        });
        return command.WithAction(globals, context, call =>
        {
            var request = new SetLimitsRequest { Reason = call.Options.GetValue(reason) ?? "" };
            if (call.Options.GetValue(total) is { } newTotal)
            {
                request.Total = newTotal;
            }

            if (call.Options.GetValue(perIp) is { } newPerIp)
            {
                request.PerIp = newPerIp;
            }

            if (call.Options.GetValue(revision) is { } expected)
            {
                request.ExpectedRevision = expected;
            }

            return SetAsync(call, request);
        });
    }

    private static Option<int?> Limit(string name, string description) => new(name)
    {
        Description = description,
        HelpName = "clients",
        CustomParser = ArgumentParsers.Whole<int>(name, 1, Most, static value => value switch
        {
            <= 0 => "to let nobody in, stop relayd instead",
            > Most => "to lift the limit in effect, use 1000000",
            _ => "write it in plain digits, such as 50",
        }),
    };

    private static async Task<int> SetAsync(AdminCall call, SetLimitsRequest request)
    {
        var response = await call.Connection.Admin.SetLimitsAsync(request, call.Unary);
        if (call.Output.IsJson)
        {
            call.Output.Json(response);
        }
        else
        {
            var (before, after) = (response.Before ?? new Limits(), response.After ?? new Limits());
            call.Output.Rows(
            [
                new("total", Change(before.Total, after.Total)),
                new("per-ip", Change(before.PerIp, after.PerIp)),
                new("revision", Change(before.Revision, after.Revision)),
                new("now", $"clients {Units.Count(response.Connections)}", $"addresses over their limit {Units.Count(response.AddressesOverLimit)}"),
            ]);
        }

        foreach (var warning in response.Warnings)
        {
            call.Error.WriteLine($"warning: {Printable.Clean(warning)}");
        }

        return ExitCodes.Ok;
    }

    private static string Change(long before, long after) =>
        before == after ? $"{Units.Count(after)} (unchanged)" : $"{Units.Count(before)} -> {Units.Count(after)}";
}
