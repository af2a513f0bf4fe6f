using System.Runtime.InteropServices;
using Relay.Admission;
using Relay.Listening;
using Relay.Protocol;
using Relay.Sessions;

namespace Relay;

/// <summary>
/// Start to stop. The first SIGTERM or SIGINT drains: /ready turns 503, newcomers are refused, every socket gets 1001. A
/// second one exits at once.
/// </summary>
internal sealed partial class Lifetime(
    IHostApplicationLifetime application,
    Readiness readiness,
    AdmissionGate gate,
    SessionTable sessions,
    Heartbeat heartbeat,
    ILogger<Lifetime> logger) : IHostLifetime, IDisposable
{
    private readonly List<PosixSignalRegistration> _signals = [];
    private int _received;

    public Task WaitForStartAsync(CancellationToken cancellationToken)
    {
        foreach (var signal in new[] { PosixSignal.SIGINT, PosixSignal.SIGTERM, PosixSignal.SIGQUIT })
        {
            _signals.Add(PosixSignalRegistration.Create(signal, OnSignal));
        }

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

        application.StopApplication();
    }

    private void Drain()
    {
        if (readiness.State == ReadyState.Ready)
        {
            Log.Draining(logger, sessions.Count);
        }

        readiness.Become(ReadyState.Draining);
        gate.Stop();
        sessions.CloseAll(CloseReason.Shutdown);
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Information, "Stopping: closing {Sessions} sockets")]
        public static partial void Draining(ILogger logger, int sessions);

        [LoggerMessage(2, LogLevel.Warning, "Second {Signal}: exiting at once")]
        public static partial void ExitingAtOnce(ILogger logger, PosixSignal signal);
    }
}
