using Relay.AdminAuth;
using Relay.ClientAuth;
using Relay.Events;
using Relay.Scheduling;
using Relay.Transport;

namespace Relay.Configuration;

internal static class ReloadSetup
{
    public static IServiceCollection AddReload(this IServiceCollection services, RelaySettings settings, SettingsSource? source) => services
        .AddSingleton(provider => new Reloader(
            settings,
            source,
            provider.GetServices<ListenerCertificate>(),
            provider.GetRequiredService<TokenStore>(),
            provider.GetRequiredService<KeyFile>(),
            provider.GetRequiredService<CertificateExpiry>(),
            provider.GetRequiredService<RelayEvents>()))
        .AddPeriodic<Reloader>(Reloader.Interval, reloader => reloader.Look());
}
