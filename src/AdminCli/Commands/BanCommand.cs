using System.CommandLine;
using Google.Protobuf.WellKnownTypes;
using Relay.AdminApi;

namespace Relay.AdminCli.Commands;

/// <summary>Bans a network or a subject.</summary>
internal static class BanCommand
{
    public static readonly TimeSpan Shortest = TimeSpan.FromSeconds(1);
    public static readonly TimeSpan Max = TimeSpan.FromDays(3650);

    public static Command Create(GlobalOptions globals, CommandContext context)
    {
        var network = NetworkArgument.Create();
        var subject = SubjectArgument.Create("Ban whoever proves to be this subject, wherever it connects from.");
        var length = new Option<TimeSpan?>("--for")
        {
            Description = "How long, 1s to 3650d (default: until `relayctl unban`).",
            HelpName = "time",
            CustomParser = ArgumentParsers.Duration("--for", Shortest, Max, "30m, 1h or 7d"),
        };
        var reason = ChangeFlags.ReasonOption();
        var disconnect = new Option<bool>("--disconnect") { Description = "Also disconnect clients that match, with 1008 Banned, a bounded number a second." };
        var force = new Option<bool>("--force") { Description = "Also ban a network that contains a trusted proxy, loopback or private addresses." };
        var dryRun = new Option<bool>("--dry-run") { Description = "Say how many clients match, and change nothing." };
        var command = new ExampleCommand(
            "ban",
            "Refuses a network or a subject, for a time or until it is unbanned.",
            "New connections are closed with 1008 Banned, or answered 403. Connected clients stay unless --disconnect is given. An IPv6 address is banned alone; a customer "
                + "mostly has its whole /64. A ban stays over a restart, and replaces an earlier one of the same network or subject. Subjects are whom clients prove to be, where Clients:Auth is set.",
            "relayctl ban 203.0.113.7 --for 1h --reason scanning",
            "relayctl ban 2001:db8:0:7::/64 --dry-run    # how many are connected from there",
            "relayctl ban 198.51.100.0/24 --disconnect",
            "relayctl ban --subject alice --for 1d --disconnect")
        {
            network,
            subject,
            length,
            reason,
            disconnect,
            force,
            dryRun,
        };
        SubjectArgument.RequireOneOf(command, network, subject);
        return command.WithAction(globals, context, call => BanAsync(call, new BanRequest
        {
            Network = call.Options.GetValue(network) ?? "",
            Subject = call.Options.GetValue(subject) ?? "",
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
        call.Output.Answer(response, () => Print(call, request, response));
        foreach (var warning in response.Warnings)
        {
            call.Error.WriteLine($"warning: {Printable.Clean(warning)}");
        }

        return ExitCodes.Ok;
    }

    private static void Print(AdminCall call, BanRequest request, BanResponse response)
    {
        var ban = response.Ban ?? new BanEntry();
        call.Output.Rows(
        [
            new(request.DryRun ? "would ban" : "banned", SubjectArgument.Of(ban), ban.Until is { } end ? $"until {ChangeReport.Due(call, end)}" : "until unbanned"),
            new("connected", $"{Units.Count(response.Connections)} clients connected {(request.Subject.Length > 0 ? "as this subject" : "from this network")}; {Fate(request, response)}"),
            new("revision", request.DryRun ? $"{response.Revision} (unchanged)" : $"{response.Revision}"),
            .. ClusterText.InForce(response.Nodes),
        ]);
        if (request.DryRun)
        {
            call.Output.Line("Dry run: nothing was changed.");
        }
    }

    private static string Fate(BanRequest request, BanResponse response) =>
        !request.Disconnect ? "not disconnected"
        : response.Disconnected == 0 ? "none to disconnect"
        : request.DryRun ? "they would be disconnected" : "being disconnected";
}
