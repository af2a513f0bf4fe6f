using System.CommandLine;
using Relay.AdminApi;

namespace Relay.AdminCli.Commands;

/// <summary>Changes limits while the relay runs.</summary>
internal static class SetLimitCommand
{
    public static Command Create(GlobalOptions globals, CommandContext context)
    {
        var limits = new LimitFlags(withLevel: true);
        var flags = new ChangeFlags();
        var command = new ExampleCommand(
            "set-limit",
            "Changes the total limit, the limit per address, or any other limit.",
            "The change takes effect with the next connection, and stays, also over a restart; --for and --confirm-within revert it, `relayctl limits reset` goes back to "
                + "the configuration. Lowering a limit below the current count disconnects no client unless --excess says so: new connections are refused until the count has "
                + "fallen. Prints each limit before -> after; warnings go to stderr.",
            "relayctl set-limit --per-ip 50",
            "relayctl set-limit --total 20000 --per-ip 100 --reason 'conference, until Friday'",
            "relayctl set-limit --per-ip 10 --dry-run              # who would be over, and what would have been refused",
            "relayctl set-limit --per-ip 10 --for 30m --reason flood",
            "relayctl set-limit --per-ip 10 --confirm-within 60s   # reverted unless `relayctl confirm` follows",
            "relayctl set-limit --rate-per-ip '5/s burst 50' --per-48 32x",
            "relayctl set-limit --per-ip 50 --expect-revision 3    # only if nobody changed it since `relayctl limits`");
        limits.AddTo(command);
        flags.AddTo(command);
        command.Validators.Add(result =>
        {
            if (!limits.AnyGiven(result))
            {
                result.AddError("Nothing to change: give --total N, --per-ip N or another limit.");
            }
        });
        return command.WithAction(globals, context, async call =>
        {
            var request = new ChangePolicyRequest { Set = limits.Read(call.Options), Options = flags.Read(call.Options) };
            var response = await call.Connection.Policy.ChangePolicyAsync(request, call.Unary);
            return ChangeReport.Show(call, response, request.Options.DryRun, "total", "per-ip");
        });
    }
}
