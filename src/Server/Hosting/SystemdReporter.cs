using System.Globalization;
using Microsoft.Extensions.Hosting.Systemd;
using Relay.Admission;
using Relay.Policy;
using Relay.Transport.Engine;

namespace Relay.Hosting;

/// <summary>
/// What systemd is told of the relay (sd_notify): that it is up, how many clients it has, that it stops; and that it is alive, by the
/// loops that carry the clients. Nothing where there is no systemd.
/// </summary>
internal sealed class SystemdReporter(ISystemdNotifier notifier, RelayState state, ConnectionLedger ledger, LimitPolicyStore policies, EngineLoops loops)
{
    /// <summary>WatchdogSec of the unit has to be more than twice as long.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(2);

    private static readonly ServiceState Alive = new("WATCHDOG=1");

    public void Ready()
    {
        notifier.Notify(ServiceState.Ready);
        Report();
    }

    public void Stopping()
    {
        // The service goes on in another process.
        if (!state.HasSuccessor)
        {
            notifier.Notify(ServiceState.Stopping);
        }
    }

    public void Report()
    {
        if (!notifier.IsEnabled || state.HasSuccessor)
        {
            return;
        }

        if (loops.HaveTurned())
        {
            notifier.Notify(Alive);
        }

        notifier.Notify(new ServiceState(string.Create(
            CultureInfo.InvariantCulture, $"STATUS={state.Name}, {ledger.Totals().Live:#,0} of {policies.Current.Total:#,0} clients")));
    }
}
