using System.CommandLine;
using System.Globalization;
using Relay.AdminApi;

namespace Relay.AdminCli.Commands;

/// <summary>Changes limits while the relay runs.</summary>
internal static class SetLimitCommand
{
    private const string Total = "total";
    private const string PerIp = "per-ip";

    public static Command Create(GlobalOptions globals, CommandContext context)
    {
        var limits = new LimitFlags(withLevel: true);
        var flags = new ChangeFlags();
        var command = new ExampleCommand(
            "set-limit",
            "Changes the total limit, the limit per address, or any other limit.",
            "The change holds for the next connection that arrives. Lowering a limit below the present count disconnects nobody unless --excess says so: newcomers are "
                + "refused until the count has fallen. Nothing is saved: after a restart the relay's configuration holds again, or what `relayctl limits save` wrote. "
                + "--for and --confirm-within take the change back by themselves. Prints each limit before -> after; the relay's warnings go to stderr.",
            "relayctl set-limit --per-ip 50",
            "relayctl set-limit --total 20000 --per-ip 100 --reason 'conference, until Friday'",
            "relayctl set-limit --per-ip 10 --dry-run              # who would be over, and what would have been refused",
            "relayctl set-limit --per-ip 10 --for 30m --reason flood",
            "relayctl set-limit --per-ip 10 --confirm-within 60s   # taken back unless `relayctl confirm` follows",
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
            var request = new ChangePolicyRequest { Options = flags.Read(call.Options), Set = { limits.Read(call.Options).ToDictionary() } };
            var response = await call.Connection.Policy.ChangePolicyAsync(request, call.Unary);
            return ChangeReport.Show(call, response, request.Options.DryRun, [Total, PerIp], new SetLimitsResponse
            {
                Before = Limits(response, isBefore: true),
                After = Limits(response, isBefore: false),
                Connections = response.Effect?.Connections ?? 0,
                AddressesOverLimit = response.Effect?.AddressesOver ?? 0,
                Warnings = { response.Warnings },
            });
        });
    }

    // What programs read before there were other limits.
    private static Limits Limits(ChangePolicyResponse response, bool isBefore)
    {
        return new Limits { Total = Read(Total), PerIp = Read(PerIp), Ipv6Prefix = response.Ipv6Prefix, Revision = isBefore ? response.RevisionBefore : response.Revision };

        int Read(string path)
        {
            var change = response.Changes.FirstOrDefault(change => change.Path == path);
            var text = isBefore && change is not null ? change.Before : response.Limits.GetValueOrDefault(path, "");
            return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var value) ? value : 0;
        }
    }
}
