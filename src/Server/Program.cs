using Microsoft.Extensions.Hosting.Systemd;
using Relay;
using Relay.Addresses;
using Relay.Admin;
using Relay.AdminAuth;
using Relay.Admission;
using Relay.Attestation;
using Relay.AuditLog;
using Relay.Channels;
using Relay.Chunks;
using Relay.ClientAuth;
using Relay.Clients;
using Relay.Cluster;
using Relay.Configuration;
using Relay.Events;
using Relay.Federation;
using Relay.History;
using Relay.Hosting;
using Relay.Http;
using Relay.Identity;
using Relay.Policy;
using Relay.RateLimiting;
using Relay.Relays;
using Relay.Rendezvous;
using Relay.Scheduling;
using Relay.Sessions;
using Relay.Signaling;
using Relay.Storage;
using Relay.Telemetry;
using Relay.Transport;
using Relay.Transport.Kestrel;
using Relay.Upgrade;

return await ServerCommand.InvokeAsync(args, RelayProgram.RunAsync);

namespace Relay
{
    /// <summary>The whole server on one screen.</summary>
    internal static class RelayProgram
    {
        public static WebApplication Build(RelaySettings settings, Action<IServiceCollection>? replace = null, SettingsSource? source = null)
        {
            Nat64.Current = new Nat64(settings.Admission.Nat64Prefixes);
            var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions { ApplicationName = "relayd" });
            builder.WebHost.UseKestrelCore().UseKestrelHttpsConfiguration();
            builder.Services
                .AddSingleton(TimeProvider.System)
                .Configure<HostOptions>(host => host.ShutdownTimeout = TimeSpan.FromSeconds(8))
                .AddTelemetry(settings.Log, ClientMessages.Names)
                .AddEvents()
                .AddStorage(settings.Storage, mayStartAway: File.Exists(settings.Admission.PolicyFile))
                .AddCluster(settings.Cluster)
                .AddPolicy(settings.Admission, settings.Storage, settings.Cluster)
                .AddAdmission(settings.Admission, settings.AutoBan, settings.Overload, settings.Sessions.MaxMessageBytes, settings.Cluster)
                .AddTransport(settings.Listen, settings.Admission.ReconcileInterval)
                .AddClientAuth(settings.ClientAuth)
                .AddSessions<MessageRouter>(settings.Sessions, () => settings.Clients.AllowedOrigins)
                .AddIdentity(settings.Identity, settings.Listen.LocalEndpoint)
                .AddFederation(settings.Federation)
                .AddSingleton<HolderPseudonyms>()
                .AddSingleton(new ClientRates((settings.Signaling.PairRequestsPerMinute, settings.Channels.UpstreamPerMinute)))
                .AddClients(settings.Clients, settings.Cluster.IsOn)
                .AddSignaling(settings.Signaling, settings.Cluster.IsOn)
                .AddRelays(settings.Relays, settings.Cluster.IsOn)
                .AddRendezvous(settings.Rendezvous, settings.Cluster.IsOn)
                .AddChannels(settings.Channels, settings.Cluster.IsOn)
                .AddChunks(settings.Chunks, settings.Cluster.IsOn)
                .AddAttestation(settings.Attestation)
                .AddSingleton<ClientHandlers>()
                .AddSingleton<ConnectionLog>()
                .AddHistory()
                .AddHttp(settings.Http)
                .AddAdminAuth(settings.Admin)
                .AddAuditLog(settings.Audit)
                .AddReload(settings, source)
                .AddUpgrade()
                .AddAdmin(settings)
                .AddSingleton<ISystemdNotifier, SystemdNotifier>()
                .AddSingleton<SystemdReporter>()
                .AddPeriodic<SystemdReporter>(SystemdReporter.Interval, reporter => reporter.Report())
                .AddSingleton<HangUp>()
                .AddSingleton<IHostLifetime, Lifetime>();
            if (settings.Federation.BootstrapUrl.Length > 0)
            {
                builder.Services
                    .AddSingleton<RegistryHeartbeat>()
                    .AddSingleton<IHostedService>(provider => provider.GetRequiredService<RegistryHeartbeat>())
                    .AddPeriodic<RegistryHeartbeat>(RegistryHeartbeat.Interval, (heartbeat, stop) => heartbeat.BeatAsync(stop));
            }

            replace?.Invoke(builder.Services);

            var app = builder.Build();
            app.MapAdmin();
            app.MapHttp();
            return app;
        }

        public static async Task<int> RunAsync(RelaySettings settings, SettingsSource source, CancellationToken cancellationToken)
        {
            using var predecessor = Predecessor.FromEnvironment(TimeProvider.System);
            try
            {
                predecessor?.TakeOver(() => ConfigurationCheck.Errors(settings, OpenFiles.Limit).FirstOrDefault());
                DataFolder.Prepare(settings);
                await using var app = Build(settings, services => Succeed(services, predecessor), source);
                if (predecessor is not null)
                {
                    predecessor.Begin(app.Services.GetRequiredService<RemainingClients>(), app.Services.GetRequiredService<ClientTakeOver>());
                    app.Services.GetRequiredService<RelayState>().Succeed();
                }

                await app.StartAsync(cancellationToken);
                if (predecessor?.Confirm(app.Services.GetRequiredService<RemainingClients>(), app.Services.GetRequiredService<ClientTakeOver>()) is { } upgraded)
                {
                    app.Services.GetRequiredService<RelayEvents>().Publish(upgraded);
                }

                StartReport.Log(app, settings);
                app.Services.GetRequiredService<SystemdReporter>().Ready();
                if (!Console.IsOutputRedirected)
                {
                    // Not waited for: a terminal may be stopped.
                    _ = Task.Run(() => Banner.Print(app, settings, Console.Out), CancellationToken.None);
                }

                await app.WaitForShutdownAsync(CancellationToken.None);
                return 0;
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or InvalidDataException
                or StorageException or ClusterException or System.Net.Sockets.SocketException or System.Security.Cryptography.CryptographicException or UpgradeException)
            {
                predecessor?.Fail(exception.Message);
                await Console.Error.WriteLineAsync($"relayd: cannot start: {exception.Message}");
                return 1;
            }
        }

        private static void Succeed(IServiceCollection services, Predecessor? predecessor)
        {
            if (predecessor is not null)
            {
                services.AddSingleton(predecessor.Sockets);
            }
        }
    }
}
