using Relay.Configuration;
using Relay.Federation;
using Relay.Identity;
using Relay.Policy;
using Relay.Transport;

namespace Relay.Hosting;

/// <summary>The one log entry that says that the relay is up, and with what.</summary>
internal static partial class StartReport
{
    public static void Log(WebApplication app, RelaySettings settings)
    {
        var limits = app.Services.GetRequiredService<LimitPolicyStore>().Current;
        var logger = app.Services.GetRequiredService<ILoggerFactory>().CreateLogger(typeof(StartReport).FullName!);
        Started(
            logger,
            ServerCommand.Version,
            app.Services.GetRequiredService<ServerIdentity>().ServerId,
            Banner.Listeners(app, settings),
            Banner.AdminAddresses(app, settings.Admin),
            DataFolder.Find(settings.Data)!,
            limits.Total,
            limits.PerIp);
        app.Services.GetRequiredService<CertificateExpiry>().Warn();
        var endpoint = app.Services.GetRequiredService<IdentityOptions>().PublicEndpoint;
        if (settings.Federation.IsOn && app.Services.GetRequiredService<EndpointRule>().Denial(endpoint) is { } denial)
        {
            Unreachable(logger, endpoint, denial);
        }
    }

    [LoggerMessage(1, LogLevel.Information, "Started relayd {Version} {ServerId}: listens on {Addresses}, admin on {Admin}, data in {Folder}, limits {Total} clients in total and {PerIp} per address")]
    private static partial void Started(ILogger logger, string version, string serverId, string addresses, string admin, string folder, int total, int perIp);

    [LoggerMessage(2, LogLevel.Warning, "Other servers neither dial {Endpoint} nor send clients there: {Denial}. Set Identity:PublicEndpoint to where they reach this server")]
    private static partial void Unreachable(ILogger logger, string endpoint, string denial);
}
