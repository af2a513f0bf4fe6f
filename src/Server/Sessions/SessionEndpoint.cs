using Microsoft.AspNetCore.Http.Features;
using Relay.Admission;
using Relay.Listening;

namespace Relay.Sessions;

/// <summary>A client's way in: address, admission, upgrade, session.</summary>
internal sealed class SessionEndpoint(
    AdmissionGate gate, TrustedProxies proxies, Refuser refuser, SessionTable table, SessionServices services, ISessionHandler handler)
{
    public async Task HandleAsync(HttpContext context)
    {
        if (!await WebSocketHandshake.CheckAsync(context))
        {
            return;
        }

        var connection = context.Features.GetRequiredFeature<TrackedConnection>();
        var refusal = gate.TryAdmit(ClientAddress(context, proxies), out var key, out var lease);
        if (refusal != Refusal.None)
        {
            await refuser.RefuseAsync(context, connection, refusal);
            return;
        }

        // From here on the place comes back when the TCP connection is gone, however that happens.
        connection.Hold(lease, key);
        try
        {
            await RunAsync(context, connection, key, table, services, handler);
        }
        catch
        {
            connection.Abort();
            throw;
        }
    }

    /// <summary>Upgrades and runs a session to its end.</summary>
    public static async Task RunAsync(
        HttpContext context, TrackedConnection connection, IpKey key, SessionTable table, SessionServices services, ISessionHandler handler)
    {
        await using var frames = new FrameStream(await WebSocketHandshake.UpgradeAsync(context), services.Options, services.Time);
        using var socket = WebSocketHandshake.CreateWebSocket(frames);
        await new Session(table.NextId(), key, connection, socket, frames, services).RunAsync(handler, table);
    }

    public static System.Net.IPAddress ClientAddress(HttpContext context, TrustedProxies proxies) => proxies.Resolve(
        context.Connection.RemoteIpAddress ?? System.Net.IPAddress.None,
        context.Request.Headers["X-Forwarded-For"]);
}
