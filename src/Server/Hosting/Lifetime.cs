using System.Runtime.InteropServices;
using Relay.Admission;
using Relay.Federation;
using Relay.Protocol;
using Relay.Sessions;

namespace Relay.Hosting;

/// <summary>
/// Start to stop. The first SIGTERM or SIGINT drains: /ready turns 503, new connections are refused, every socket gets 1001, or
/// before that 1012 at a bounded pace if Sessions:StopDrain gives it time. A second one exits at once.
/// </summary>
internal sealed partial class Lifetime(
    IHostApplicationLifetime application,
    RelayState state,
    SessionTable sessions,
    Drainer drainer,
    PeerGossip peers,
    SystemdReporter reporter,
    HangUp hangUp,
    TimeProvider time,
    ILogger<Lifetime> logger) : IHostLifetime, IDisposable
{
    private static readonly TimeSpan SameSignal = TimeSpan.FromSeconds(1);

    private readonly List<PosixSignalRegistration> _signals = [];
    private long _firstSignal;

    // The signal that stops the relay; empty: its host did.
    private volatile string _reason = "";

    public Task WaitForStartAsync(CancellationToken cancellationToken)
    {
        foreach (var signal in new[] { PosixSignal.SIGINT, PosixSignal.SIGTERM, PosixSignal.SIGQUIT })
        {
            _signals.Add(PosixSignalRegistration.Create(signal, OnSignal));
        }

        // Also a terminal that closes: no reason to end.
        _signals.Add(PosixSignalRegistration.Create(PosixSignal.SIGHUP, context =>
        {
            context.Cancel = true;
            hangUp.Handle();
        }));
        hangUp.Begin();
        application.ApplicationStarted.Register(() => state.TryServe());
        application.ApplicationStopping.Register(Drain);
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public void Dispose() => _signals.ForEach(signal => signal.Dispose());

    private void OnSignal(PosixSignalContext context)
    {
        context.Cancel = true;
        var now = time.GetTimestamp();
        if (Interlocked.CompareExchange(ref _firstSignal, now, 0) is not 0 and var first)
        {
            // Some supervisors signal the process and its group: the same stop, signalled twice.
            if (time.GetElapsedTime(first, now) < SameSignal)
            {
                return;
            }

            Log.ExitingAtOnce(logger, context.Signal);
            Environment.Exit(1);
        }

        _reason = context.Signal.ToString().ToUpperInvariant();
        _ = StopAsync(_reason);
    }

    // Drained first, if the configuration gives it time; then whoever is left is closed at once.
    private async Task StopAsync(string reason)
    {
        await drainer.EmptyAsync(reason);
        application.StopApplication();
    }

    private void Drain()
    {
        reporter.Stopping();
        state.TryStop(_reason);
        if (!state.HasSuccessor)
        {
            // Else the server stays, in another process.
            peers.Leave();
        }

        sessions.CloseAll(CloseReason.Shutdown);
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "Second {Signal}: exiting at once")]
        public static partial void ExitingAtOnce(ILogger logger, PosixSignal signal);
    }
}
