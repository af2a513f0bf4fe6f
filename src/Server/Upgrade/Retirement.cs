using Microsoft.Extensions.Hosting.Systemd;
using Relay.AdminAuth;
using Relay.Admission;
using Relay.Protocol;
using Relay.Sessions;
using Relay.Transport;

namespace Relay.Upgrade;

/// <summary>The end of a process whose place another one has taken: it accepts nothing more, disconnects its clients at a pace, and stops.</summary>
internal sealed class Retirement(
    OpenListeners listeners,
    AdminConnections operators,
    HandshakeGuard handshakes,
    SessionTable sessions,
    Drainer drainer,
    RelayState state,
    ISystemdNotifier notifier,
    IHostApplicationLifetime application,
    TimeProvider time)
{
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(100);

    // For who has just connected to say what he wants.
    private static readonly TimeSpan HandshakeGrace = TimeSpan.FromSeconds(10);

    // For operators to get the last answer.
    private static readonly TimeSpan CallGrace = TimeSpan.FromSeconds(2);

    /// <summary>The other process is the relay from now on; nothing is accepted here when this is done.</summary>
    public async Task BeginAsync(int successor)
    {
        // Before its own messages to systemd, which listens to the main process.
        notifier.Notify(new ServiceState(FormattableString.Invariant($"MAINPID={successor}")));
        state.HandOver();
        await listeners.StopAsync();
        operators.CloseAll(atOnce: false);
    }

    /// <summary>Stops this process when its clients are gone, or at the deadline. The new one is told meanwhile what is left.</summary>
    public async Task EndAsync(NewProcess next, RemainingClients left, int rate, TimeSpan deadline, string who)
    {
        using var successor = next;
        using var ended = new CancellationTokenSource();
        var telling = left.TellAsync(next, ended.Token);
        try
        {
            // Other servers are linked with the new process, which goes by the same name.
            foreach (var session in sessions.All.Where(session => !drainer.IsClient(session)))
            {
                session.Close(CloseReason.Shutdown);
            }

            // Connections that were accepted just now become clients, and are disconnected as such.
            await WaitAsync(() => handshakes.Count == 0, HandshakeGrace);
            await drainer.EmptyAsync(deadline, rate, who, FormattableString.Invariant($"process {next.Id} has taken over"));
            await WaitAsync(() => operators.IsEmpty, CallGrace);
            operators.CloseAll(atOnce: true);
            await ended.CancelAsync();
            await telling;
        }
        finally
        {
            application.StopApplication();
        }
    }

    private async Task WaitAsync(Func<bool> isDone, TimeSpan max)
    {
        var began = time.GetTimestamp();
        using var timer = new PeriodicTimer(Look, time);
        while (!isDone() && time.GetElapsedTime(began) < max)
        {
            await timer.WaitForNextTickAsync();
        }
    }
}
