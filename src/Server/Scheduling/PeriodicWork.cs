namespace Relay.Scheduling;

/// <summary>
/// Runs something at a fixed interval from the start of the relay to its stop: for all connections, never for each. A run that takes longer than the interval is not run a second time beside itself; one that fails is logged and the
/// next comes as usual.
/// </summary>
internal sealed partial class PeriodicWork(
    string name,
    TimeSpan interval,
    bool atStart,
    Func<CancellationToken, Task> run,
    PeriodicTimers timers,
    TimeProvider time,
    ILogger<PeriodicWork> logger)
    : IHostedService, IDisposable
{
    /// <summary>Work that fails at every run is logged so often.</summary>
    public static readonly TimeSpan LogInterval = TimeSpan.FromMinutes(1);

    private readonly CancellationTokenSource _stop = new();
    private IDisposable? _timer;

    // Atomic.
    private int _isRunning;

    // Owned by the caller that has set _isRunning.
    private Task _current = Task.CompletedTask;
    private long? _lastLogged;
    private int _failures;

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        if (atStart)
        {
            await RunAsync();
        }

        _timer = timers.Start(interval, Tick);
    }

    /// <summary>Ends a run that is in progress, and waits for it.</summary>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        await _stop.CancelAsync();
        _timer?.Dispose();
        await _current.WaitAsync(cancellationToken);
    }

    public void Dispose()
    {
        _timer?.Dispose();
        _stop.Dispose();
    }

    private void Tick()
    {
        if (!_stop.IsCancellationRequested && Interlocked.Exchange(ref _isRunning, 1) == 0)
        {
            _current = RunAsync();
        }
    }

    private async Task RunAsync()
    {
        try
        {
            await run(_stop.Token);
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // The relay stops.
        }
        catch (Exception exception)
        {
            LogFailure(exception);
        }
        finally
        {
            Volatile.Write(ref _isRunning, 0);
        }
    }

    private void LogFailure(Exception exception)
    {
        _failures++;
        var now = time.GetTimestamp();
        if (_lastLogged is { } last && time.GetElapsedTime(last, now) < LogInterval)
        {
            return;
        }

        Log.Failed(logger, name, _failures, interval, exception);
        (_lastLogged, _failures) = (now, 0);
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Error, "{Name} failed ({Failures} times since this was last logged) and runs again in {Interval}")]
        public static partial void Failed(ILogger logger, string name, int failures, TimeSpan interval, Exception exception);
    }
}
