using Microsoft.AspNetCore.Http.Features;
using Relay.Addresses;
using Relay.Admission;
using Relay.Transport;

namespace Relay.Sessions;

/// <summary>A client's way in: address, admission, upgrade, session.</summary>
internal sealed class SessionEndpoint(
    AdmissionGate gate,
    ClientAddressResolver origins,
    ProxyMisconfiguration warning,
    Refuser refuser,
    SessionTable table,
    SessionServices services,
    ISessionHandler handler)
{
    // Not async: whatever waits here waits for the life of the socket.
    public Task HandleAsync(HttpContext context)
    {
        var connection = context.Features.GetRequiredFeature<TrackedConnection>();
        var origin = ResolveAddress(context, connection, origins);
        if (WebSocketHandshake.Reject(context) is { } answered)
        {
            gate.RecordViolation(origin.Address);
            return answered;
        }

        warning.Seen(origin);
        var decision = gate.TryAdmit(origin.Address, out var lease);
        if (decision.Refusal is Refusal.PerIpLimit or Refusal.RatePerIp)
        {
            warning.RefusedPerIp(decision.Live.Key, decision.Live.Total);
        }

        if (decision.Refusal != Refusal.None)
        {
            return refuser.RefuseAsync(context, connection, decision);
        }

        // From here on the place comes back when the TCP connection is gone, however that happens.
        connection.Hold(lease, decision.Key);
        return RunAsync(context, connection, origin.Address, decision.Key, table, services, handler);
    }

    /// <summary>Upgrades and runs a session to its end; the connection does not outlive a failure.</summary>
    public static async Task RunAsync(
        HttpContext context, TrackedConnection connection, IpKey address, IpKey key, SessionTable table, SessionServices services, ISessionHandler handler)
    {
        try
        {
            await using var frames = new FrameStream(await WebSocketHandshake.UpgradeAsync(context), services.Options, services.Time);

            // Nobody reads them again, and a browser's are a kilobyte or two that would stay for the life of the socket.
            context.Request.Headers.Clear();
            using var socket = WebSocketHandshake.CreateWebSocket(frames);
            await new Session(table.NextId(), address, key, connection, socket, frames, services).RunAsync(handler, table);
        }
        catch
        {
            connection.Abort();
            throw;
        }
    }

    /// <summary>Whose connection it is, by the rule of the listener that accepted it.</summary>
    public static ResolvedClient ResolveAddress(HttpContext context, TrackedConnection connection, ClientAddressResolver origins) => origins.Resolve(
        connection.ClientAddress,
        context.Connection.RemoteIpAddress ?? System.Net.IPAddress.None,
        context.Request.Headers,
        connection.Claim);
}
