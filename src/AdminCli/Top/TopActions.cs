using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Relay.AdminApi;

namespace Relay.AdminCli.Top;

/// <summary>Actions that the operator confirmed. A rejection is shown on the status line; the screen continues.</summary>
internal static class TopActions
{
    // For the audit, which has who and when besides.
    private const string Reason = "relayctl top";

    public static async Task<StatsRow.Part> RunAsync(AdminCall call, TopEffect effect)
    {
        try
        {
            return effect switch
            {
                TopEffect.Kick kick => await KickAsync(call, kick),
                TopEffect.Ban ban => await BanAsync(call, ban),
                _ => "",
            };
        }
        catch (RpcException e)
        {
            return Refused(call, e);
        }
    }

    /// <summary>The failure's sentences on one line.</summary>
    public static StatsRow.Part Refused(AdminCall call, RpcException exception) =>
        new(string.Join(' ', Failure.Of(exception, call.Connection.Address, call.Connection.Timeout).Message.Split('\n', StringSplitOptions.TrimEntries)), Tone.Alarm);

    /// <summary>"1 socket", "1,204 sockets".</summary>
    public static string Sockets(long count) => $"{Units.Count(count)} {(count == 1 ? "socket" : "sockets")}";

    private static async Task<StatsRow.Part> KickAsync(AdminCall call, TopEffect.Kick kick)
    {
        var request = new DisconnectRequest { Network = kick.Network, Reason = Reason };
        var response = await call.Connection.Connections.DisconnectAsync(request, call.Unary);
        return response.Connections == 0
            ? $"{Printable.Clean(kick.Network)} has no client socket at this relay."
            : new StatsRow.Part($"Closing {Sockets(response.Connections)} of {Printable.Clean(kick.Network)} at this relay. They may reconnect: b bans.", Tone.Good);
    }

    private static async Task<StatsRow.Part> BanAsync(AdminCall call, TopEffect.Ban ban)
    {
        var request = new BanRequest { Network = ban.Network, Duration = ban.Time?.ToDuration(), Reason = Reason };
        var response = await call.Connection.Policy.BanAsync(request, call.Unary);
        var until = response.Ban?.Until is { } end ? ChangeReport.Due(call, end) : "it is lifted";
        var stay = response.Connections > 0 ? $" {Sockets(response.Connections)} connected: x disconnects." : "";
        return new($"Banned {Printable.CleanOrUnknown(response.Ban?.Network ?? "")} until {until}.{stay}", Tone.Good);
    }
}
