using System.Globalization;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http.Features;
using Relay.Access;
using Relay.Configuration;
using Relay.Identity;

namespace Relay;

/// <summary>What an operator sees when the relay is up: where it listens and how to look at it.</summary>
internal static class Banner
{
    public static void Print(WebApplication app, RelaySettings settings, TextWriter output)
    {
        var http = HttpAddress(app);
        var socket = AdminSocket.PathOf(settings.Admin);
        var network = AdminAddress(app, settings.Admin) is { } address ? $" and {address}" : "";
        var limits = settings.Admission;
        output.WriteLine($"""
            relayd {ServerCommand.Version}  {app.Services.GetRequiredService<ServerIdentity>().ServerId}

              clients   {http.Replace("http", "ws", StringComparison.Ordinal)}   at most {Number(limits.Total)} in all, {Number(limits.PerIp)} per address
              status    {http}/health  /ready  /stats  /metrics
              admin     unix:{socket}{network}
              peers     {(settings.Federation.IsOn ? "/federation and /server" : "off (Federation:Servers is empty)")}

              look      relayctl stats          (from a checkout: make ctl ARGS="stats")
              limits    relayctl set-limit --per-ip 50
              stop      Ctrl-C
            """);
    }

    /// <summary>The public listener's address, with the port that the system chose if it was asked to.</summary>
    public static string HttpAddress(WebApplication app) => app.Services.GetRequiredService<IServer>()
        .Features.GetRequiredFeature<IServerAddressesFeature>().Addresses
        .First(address => !address.Contains("unix:", StringComparison.Ordinal));

    /// <summary>Where relayctl connects over the network, with the port that the system chose if it was asked to; null: nowhere.</summary>
    public static string? AdminAddress(WebApplication app, AdminOptions options) => options.ListenEndPoint is null
        ? null
        : app.Services.GetRequiredService<IServer>().Features.GetRequiredFeature<IServerAddressesFeature>().Addresses
            .Last(address => !address.Contains("unix:", StringComparison.Ordinal));

    private static string Number(int value) => value.ToString("#,0", CultureInfo.InvariantCulture);
}
