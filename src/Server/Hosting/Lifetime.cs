using System.Runtime.InteropServices;
using Relay.Admission;
using Relay.Clients;
using Relay.Protocol;
using Relay.Sessions;
using Relay.Transport;

namespace Relay.Hosting;

/// <summary>
/// Start to stop. The first SIGTERM or SIGINT drains: /ready turns 503, newcomers are refused, every socket gets 1001, or
/// before that 1012 at a bounded pace if Sessions:StopDrain gives it time. A second one exits at once.
/// </summary>
internal sealed partial class Lifetime(
    IHostApplicationLifetime application,
    Readiness readiness,
    AdmissionGate gate,
    HandshakeGuard handshakes,
    SessionTable sessions,
    Heartbeat heartbeat,
    Drainer drainer,
    Relay.Sessions.ClientSessionOptions options,
    TimeProvider time,
    ILogger<Lifetime> logger) : IHostLifetime, IDisposable
{
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(100);

    private readonly List<PosixSignalRegistration> _signals = [];
    private int _received;

    public Task WaitForStartAsync(CancellationToken cancellationToken)
    {
        foreach (var signal in new[] { PosixSignal.SIGINT, PosixSignal.SIGTERM, PosixSignal.SIGQUIT })
        {
            _signals.Add(PosixSignalRegistration.Create(signal, OnSignal));
        }

        drainer.IsClient = session => session.State is Client;
        application.ApplicationStarted.Register(() => readiness.Become(ReadyState.Ready));
        application.ApplicationStopping.Register(Drain);
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public void Dispose()
    {
        _signals.ForEach(signal => signal.Dispose());
        heartbeat.Dispose();
    }

    private void OnSignal(PosixSignalContext context)
    {
        context.Cancel = true;
        if (Interlocked.Increment(ref _received) > 1)
        {
            Log.ExitingAtOnce(logger, context.Signal);
            Environment.Exit(1);
        }

        _ = StopAsync();
    }

    // Emptied first, if the settings give it time; then whoever is left is closed at once.
    private async Task StopAsync()
    {
        if (options.StopDrain > TimeSpan.Zero)
        {
            var clients = sessions.All.Count(drainer.IsClient);
            drainer.Start(Math.Max(options.EvictionsPerSecond, (int)Math.Ceiling(clients / options.StopDrain.TotalSeconds)), options.StopDrain, isForStop: true);
            Log.Emptying(logger, clients, options.StopDrain);

            // By a clock of its own: an operator who changes the pace meanwhile begins the drain anew.
            var started = time.GetTimestamp();
            using var timer = new PeriodicTimer(Look, time);
            while (drainer.State().Remaining > 0 && time.GetElapsedTime(started) < options.StopDrain)
            {
                await timer.WaitForNextTickAsync();
            }
        }

        application.StopApplication();
    }

    private void Drain()
    {
        if (readiness.State == ReadyState.Ready)
        {
            Log.Draining(logger, sessions.Count);
        }

        readiness.Stop();
        gate.Stop();
        handshakes.Stop();
        sessions.CloseAll(CloseReason.Shutdown);
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Information, "Stopping: closing {Sessions} sockets")]
        public static partial void Draining(ILogger logger, int sessions);

        [LoggerMessage(3, LogLevel.Information, "Emptying before the stop: {Clients} clients, at most {Deadline}")]
        public static partial void Emptying(ILogger logger, int clients, TimeSpan deadline);

        [LoggerMessage(2, LogLevel.Warning, "Second {Signal}: exiting at once")]
        public static partial void ExitingAtOnce(ILogger logger, PosixSignal signal);
    }
}
