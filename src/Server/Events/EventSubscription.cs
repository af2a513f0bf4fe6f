namespace Relay.Events;

/// <summary>Hands every event since the process started to one subscriber, one after another, until the relay has stopped.</summary>
internal sealed partial class EventSubscription(string name, RelayEvents events, Action<PublishedEvent> handle, ILogger<EventSubscription> logger) : IHostedService, IDisposable
{
    private EventFollower? _follower;
    private Task _reading = Task.CompletedTask;

    public Task StartAsync(CancellationToken cancellationToken)
    {
        _follower = events.Follow(past: int.MaxValue);
        _reading = ReadAsync(_follower);
        return Task.CompletedTask;
    }

    /// <summary>Waits until what was published so far has been handled: a stop that took too long elsewhere is no reason to lose it.</summary>
    public Task StopAsync(CancellationToken cancellationToken)
    {
        _follower?.Dispose();
        return _reading;
    }

    public void Dispose() => _follower?.Dispose();

    private async Task ReadAsync(EventFollower follower)
    {
        var last = 0L;
        await foreach (var published in follower.ReadAsync())
        {
            if (published.Sequence - last - 1 is > 0 and var lost)
            {
                Log.Lost(logger, lost, name);
            }

            last = published.Sequence;
            try
            {
                handle(published);
            }
            catch (Exception exception)
            {
                Log.Failed(logger, name, published.Event.Kind, exception);
            }
        }
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "{Lost} events did not reach {Name}: too many at once")]
        public static partial void Lost(ILogger logger, long lost, string name);

        [LoggerMessage(2, LogLevel.Error, "{Name} failed at an event of kind {Kind}")]
        public static partial void Failed(ILogger logger, string name, string kind, Exception exception);
    }
}
