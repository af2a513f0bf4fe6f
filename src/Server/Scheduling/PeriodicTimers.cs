namespace Relay.Scheduling;

/// <summary>
/// One timer for all that runs at the same interval: to wake up costs more than most of what is done then. They run one after
/// another, and those that have begun together end together.
/// </summary>
internal sealed class PeriodicTimers(TimeProvider time)
{
    private readonly Lock _lock = new();

    // Guarded by _lock.
    private readonly Dictionary<TimeSpan, Group> _groups = [];

    private volatile bool _isPaused;

    /// <summary>Calls at each interval from now on; at most one interval too early the first time. What is returned ends it, and waits for a call in progress.</summary>
    public IDisposable Start(TimeSpan interval, Action tick)
    {
        lock (_lock)
        {
            if (!_groups.TryGetValue(interval, out var group))
            {
                group = new Group(this);
                group.Timer = time.CreateTimer(_ => group.Run(), null, interval, interval);
                _groups.Add(interval, group);
            }

            group.Ticks = [.. group.Ticks, tick];
            return new Subscription(this, interval, tick);
        }
    }

    /// <summary>Nothing runs from now on until <see cref="Resume"/>. Waits for what runs.</summary>
    public void Pause()
    {
        Group[] groups;
        lock (_lock)
        {
            _isPaused = true;
            groups = [.. _groups.Values];
        }

        Array.ForEach(groups, group => group.Barrier());
    }

    public void Resume() => _isPaused = false;

    private void End(TimeSpan interval, Action tick)
    {
        Group? group;
        lock (_lock)
        {
            if (!_groups.TryGetValue(interval, out group))
            {
                return;
            }

            group.Ticks = [.. group.Ticks.Where(other => other != tick)];
            if (group.Ticks.Length == 0)
            {
                group.Timer?.Dispose();
                _groups.Remove(interval);
            }
        }

        group.Barrier();
    }

    private sealed class Group(PeriodicTimers timers)
    {
        private readonly Lock _running = new();

        // Replaced whole under the lock of all, read anywhere.
        public volatile Action[] Ticks = [];

        public ITimer? Timer { get; set; }

        // One that takes longer than the interval is not called a second time beside itself.
        public void Run()
        {
            if (!_running.TryEnter())
            {
                return;
            }

            try
            {
                foreach (var tick in timers._isPaused ? [] : Ticks)
                {
                    tick();
                }
            }
            finally
            {
                _running.Exit();
            }
        }

        public void Barrier()
        {
            lock (_running)
            {
            }
        }
    }

    private sealed class Subscription(PeriodicTimers timers, TimeSpan interval, Action tick) : IDisposable
    {
        public void Dispose() => timers.End(interval, tick);
    }
}
