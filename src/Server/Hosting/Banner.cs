using System.Globalization;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http.Features;
using Relay.Addresses;
using Relay.AdminAuth;
using Relay.Configuration;
using Relay.Identity;
using Relay.Policy;
using Relay.Transport;

namespace Relay.Hosting;

/// <summary>What an operator sees when the relay is up: where it listens and how to look at it.</summary>
internal static class Banner
{
    public static void Print(WebApplication app, RelaySettings settings, TextWriter output)
    {
        var addresses = HttpAddresses(app);
        var http = addresses[0];
        var more = addresses.Skip(1).Zip(settings.Listen.Listeners.Skip(1), (address, listener) => $"{WebSocket(address)} ({listener.ClientAddress})").ToArray();
        var socket = AdminSocket.PathOf(settings.Admin);
        var limits = app.Services.GetRequiredService<LimitPolicyStore>().Current;
        var server = settings.Admin.Socket.Length > 0 ? $"--server unix:{socket} " : "";
        output.WriteLine($"""
            relayd {ServerCommand.Version}  {app.Services.GetRequiredService<ServerIdentity>().ServerId}

              clients   {WebSocket(http)}   limit {Number(limits.Total)} total, {Number(limits.PerIp)} per address{string.Concat(more.Select(line => $"\n            {line}"))}
              pages     {StatusAddress(app, settings) ?? http}/health  /ready  /stats  /metrics
              admin     {AdminAddresses(app, settings.Admin)}
              data      {DataFolder.Find(settings.Data)}
              peers     {(settings.Federation.IsOn ? "/federation and /server" : "off (Federation:Servers is empty)")}

              status    relayctl {server}stats          (from a checkout: make ctl ARGS="{server}stats")
              limits    relayctl {server}set-limit --per-ip 50
              stop      Ctrl-C
            """);
    }

    /// <summary>The public listeners' addresses in the order of the settings, with the ports that the system chose where it was asked to.</summary>
    public static IReadOnlyList<string> HttpAddresses(WebApplication app) =>
        [.. app.Services.GetRequiredService<IServer>().Features.GetRequiredFeature<IServerAddressesFeature>().Addresses
            .Where(address => !address.Contains("unix:", StringComparison.Ordinal))
            .Take(app.Services.GetRequiredService<PublicListenerOptions>().Listeners.Count)];

    /// <summary>The listener of the status pages, if they have one of their own.</summary>
    public static string? StatusAddress(WebApplication app, RelaySettings settings) => settings.Http.ListenEndPoint is null
        ? null
        : app.Services.GetRequiredService<IServer>().Features.GetRequiredFeature<IServerAddressesFeature>().Addresses
            .Where(address => !address.Contains("unix:", StringComparison.Ordinal))
            .ElementAt(settings.Listen.Listeners.Count);

    /// <summary>Where relayctl connects.</summary>
    public static string AdminAddresses(WebApplication app, AdminOptions options) =>
        $"unix:{AdminSocket.PathOf(options)}{(AdminAddress(app, options) is { } address ? $" and {address}" : "")}";

    /// <summary>Every public listener, with the way in which it finds its clients' addresses where that is not the usual one.</summary>
    public static string Listeners(WebApplication app, RelaySettings settings) => string.Join(", ", HttpAddresses(app).Zip(
        settings.Listen.Listeners, (address, listener) => listener.ClientAddress == ClientAddressRule.Default ? address : $"{address} ({listener.ClientAddress})"))
        + (StatusAddress(app, settings) is { } pages ? $", {pages} (status pages)" : "");

    private static string WebSocket(string address) => address.Replace("http", "ws", StringComparison.Ordinal);

    /// <summary>Where relayctl connects over the network, with the port that the system chose if it was asked to; null: nowhere.</summary>
    public static string? AdminAddress(WebApplication app, AdminOptions options) => options.ListenEndPoint is null
        ? null
        : app.Services.GetRequiredService<IServer>().Features.GetRequiredFeature<IServerAddressesFeature>().Addresses
            .Last(address => !address.Contains("unix:", StringComparison.Ordinal));

    private static string Number(int value) => value.ToString("#,0", CultureInfo.InvariantCulture);
}
