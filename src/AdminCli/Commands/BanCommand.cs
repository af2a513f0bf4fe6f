using System.CommandLine;
using Google.Protobuf.WellKnownTypes;
using Relay.AdminApi;

namespace Relay.AdminCli.Commands;

/// <summary>Bans a network.</summary>
internal static class BanCommand
{
    public static readonly TimeSpan Shortest = TimeSpan.FromSeconds(1);
    public static readonly TimeSpan Max = TimeSpan.FromDays(3650);

    public static Command Create(GlobalOptions globals, CommandContext context)
    {
        var network = new Argument<string>("network") { Description = "A network, such as 203.0.113.0/24 or 2001:db8::/32, or one address." };
        var length = new Option<TimeSpan?>("--for")
        {
            Description = "How long, 1s to 3650d. Not given: until `relayctl unban`.",
            HelpName = "time",
            CustomParser = ArgumentParsers.Duration("--for", Shortest, Max, "30m, 1h or 7d"),
        };
        var reason = ChangeFlags.ReasonOption();
        var disconnect = new Option<bool>("--disconnect") { Description = "Also close the sockets that match, with 1008 Banned, a bounded number a second." };
        var force = new Option<bool>("--force") { Description = "Ban also what holds a trusted proxy, loopback or private addresses." };
        var dryRun = new Option<bool>("--dry-run") { Description = "Say how many live sockets match, and change nothing." };
        return new ExampleCommand(
            "ban",
            "Refuses a network, for a time or until it is taken back.",
            "New sockets are closed with 1008 Banned, or answered 403. Those that are connected stay unless --disconnect is given. An IPv6 address is banned alone; a customer "
                + "mostly has its whole /64. Like every change it is lost at a restart unless `relayctl limits save` follows.",
            "relayctl ban 203.0.113.7 --for 1h --reason scanning",
            "relayctl ban 2001:db8:0:7::/64 --dry-run    # how many are connected from there",
            "relayctl ban 198.51.100.0/24 --disconnect")
        {
            network,
            length,
            reason,
            disconnect,
            force,
            dryRun,
        }.WithAction(globals, context, call => BanAsync(call, new BanRequest
        {
            Network = call.Options.GetValue(network) ?? "",
            Duration = call.Options.GetValue(length) is { } time ? Duration.FromTimeSpan(time) : null,
            Reason = call.Options.GetValue(reason) ?? "",
            Disconnect = call.Options.GetValue(disconnect),
            Force = call.Options.GetValue(force),
            DryRun = call.Options.GetValue(dryRun),
        }));
    }

    private static async Task<int> BanAsync(AdminCall call, BanRequest request)
    {
        var response = await call.Connection.Policy.BanAsync(request, call.Unary);
        if (call.Output.IsJson)
        {
            call.Output.Json(response);
            return ExitCodes.Ok;
        }

        var ban = response.Ban ?? new BanEntry();
        var until = ban.Until is { } end ? ChangeReport.Due(call, end) : "it is taken back";
        call.Output.Rows(
        [
            new(request.DryRun ? "would ban" : "banned", $"{Printable.CleanOrUnknown(ban.Network)} until {until}"),
            new("connected", $"{Units.Count(response.Connections)} clients from there",
                response.Disconnected == 0 ? request.Disconnect ? "none to close" : "they stay" : request.DryRun ? "they would be closed" : "being closed"),
            new("revision", request.DryRun ? $"{response.Revision} (unchanged)" : $"{response.Revision}"),
        ]);
        if (request.DryRun)
        {
            call.Output.Line("Dry run: nothing was changed.");
        }

        return ExitCodes.Ok;
    }
}
