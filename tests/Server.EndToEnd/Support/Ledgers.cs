using Microsoft.Extensions.DependencyInjection;
using Relay.Admission;
using Relay.Policy;

namespace Relay.EndToEnd.Support;

/// <summary>Ledgers whose address table is soon full.</summary>
internal static class Ledgers
{
    public static Action<IServiceCollection> Remembering(int addresses) => services => services.AddSingleton(provider => new ConnectionLedger(
        provider.GetRequiredService<LimitPolicyStore>(),
        provider.GetRequiredService<AdmissionOptions>(),
        provider.GetRequiredService<OverloadOptions>(),
        provider.GetRequiredService<TimeProvider>(),
        addresses));
}
