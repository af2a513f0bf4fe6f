using Relay;
using Relay.Addresses;
using Relay.Admin;
using Relay.AdminAuth;
using Relay.Admission;
using Relay.Attestation;
using Relay.AuditLog;
using Relay.Channels;
using Relay.Chunks;
using Relay.Clients;
using Relay.Configuration;
using Relay.Events;
using Relay.Federation;
using Relay.Hosting;
using Relay.Http;
using Relay.Identity;
using Relay.RateLimiting;
using Relay.Relays;
using Relay.Rendezvous;
using Relay.Sessions;
using Relay.Signaling;
using Relay.Storage;
using Relay.Telemetry;
using Relay.Transport.Kestrel;

return await ServerCommand.InvokeAsync(args, RelayProgram.RunAsync);

namespace Relay
{
    /// <summary>The whole server on one screen.</summary>
    internal static class RelayProgram
    {
        public static WebApplication Build(RelaySettings settings, Action<IServiceCollection>? replace = null)
        {
            Nat64.Current = new Nat64(settings.Admission.Nat64Prefixes);
            var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions { ApplicationName = "relayd" });
            builder.WebHost.UseKestrelCore().UseKestrelHttpsConfiguration();
            builder.Services
                .AddSingleton(TimeProvider.System)
                .Configure<HostOptions>(host => host.ShutdownTimeout = TimeSpan.FromSeconds(8))
                .AddTelemetry(settings.Log, ClientMessages.Names)
                .AddEvents()
                .AddStorage(settings.Storage)
                .AddAdmission(settings.Admission, settings.AutoBan, settings.Overload)
                .AddTransport(settings.Listen, settings.Admission.ReconcileInterval)
                .AddSessions<MessageRouter>(settings.Sessions)
                .AddIdentity(settings.Identity, settings.Listen.LocalEndpoint)
                .AddFederation(settings.Federation)
                .AddSingleton<HolderPseudonyms>()
                .AddClients(settings.Clients)
                .AddSignaling(settings.Signaling)
                .AddRelays(settings.Relays)
                .AddRendezvous(settings.Rendezvous)
                .AddChannels(settings.Channels)
                .AddChunks(settings.Chunks)
                .AddAttestation(settings.Attestation)
                .AddSingleton<ClientHandlers>()
                .AddAdminAuth(settings.Admin)
                .AddAuditLog(settings.Audit)
                .AddAdmin()
                .AddHttp()
                .AddSingleton<IHostLifetime, Lifetime>();
            replace?.Invoke(builder.Services);

            var app = builder.Build();
            app.MapAdmin();
            app.MapHttp();
            return app;
        }

        public static async Task<int> RunAsync(RelaySettings settings, CancellationToken cancellationToken)
        {
            try
            {
                await using var app = Build(settings);
                await app.StartAsync(cancellationToken);

                // Not waited for: nobody may read it.
                _ = Task.Run(() => Banner.Print(app, settings, Console.Out), CancellationToken.None);
                await app.WaitForShutdownAsync(CancellationToken.None);
                return 0;
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or InvalidDataException
                or StorageException or System.Net.Sockets.SocketException or System.Security.Cryptography.CryptographicException)
            {
                await Console.Error.WriteLineAsync($"relayd: cannot start: {exception.Message}");
                return 1;
            }
        }
    }
}
