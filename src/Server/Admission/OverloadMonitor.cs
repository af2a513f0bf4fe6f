using Relay.Events;
using Relay.Policy;

namespace Relay.Admission;

/// <summary>
/// The global level: once a second it samples refusals and processor use. An address that floods
/// has a level of its own, in its record of the ledger, and does not affect the others: it is reset, which costs little.
/// </summary>
internal sealed partial class OverloadMonitor
{
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);
    private static readonly string[] Modes = ["close_frame", "http_status", "reset"];

    private readonly ConnectionLedger _ledger;
    private readonly LimitPolicyStore _policies;
    private readonly OverloadOptions _options;
    private readonly RelayEvents _events;
    private readonly TimeProvider _time;
    private readonly ILogger<OverloadMonitor> _logger;

    // Atomic.
    private readonly long[] _rejections = new long[Modes.Length];

    private readonly Func<TimeSpan> _cpuTime;

    // Sample's alone.
    private OverloadMeter _meter;
    private long _lastTick;
    private long _lastRefused;
    private long _lastNonFlooding;
    private TimeSpan _lastCpu;
    private long _lastReset;
    private long _lastResetAt;
    private long _resetBefore;
    private bool _isResetting;

    // Written by Sample, read by every refusal.
    private volatile int _level;
    private volatile bool _isQuiet = true;
    private long _quietSince;

    /// <param name="cpuTime">Processor time of this process, all threads together; null: asks the system.</param>
    public OverloadMonitor(
        ConnectionLedger ledger, LimitPolicyStore policies, OverloadOptions options, RelayEvents events, TimeProvider time, ILogger<OverloadMonitor> logger, Func<TimeSpan>? cpuTime = null)
    {
        (_ledger, _policies, _options, _events, _time, _logger) = (ledger, policies, options, events, time, logger);
        _cpuTime = cpuTime ?? (() => Environment.CpuUsage.TotalTime);
        _lastCpu = _cpuTime();
        _lastTick = _quietSince = time.GetTimestamp();
    }

    /// <summary>The global level.</summary>
    public OverloadLevel OverloadLevel => Pinned ?? (OverloadLevel)_level;

    /// <summary>The level that the policy pins; null: automatic.</summary>
    public OverloadLevel? Pinned => _policies.Current.PinnedLevel;

    /// <summary>True when there were no refusals for a while: then no address can have a level of its own.</summary>
    public bool IsQuiet => _isQuiet;

    /// <summary>In the last whole second.</summary>
    public double RefusedPerSecond { get; private set; }

    /// <summary>Percent of all processors, in the last whole second.</summary>
    public double CpuPercent { get; private set; }

    /// <summary>The level for an address that stands on <paramref name="own"/>.</summary>
    public OverloadLevel For(OverloadLevel own) => Pinned ?? (own > (OverloadLevel)_level ? own : (OverloadLevel)_level);

    public void CountRejection(RejectionMode way) => Interlocked.Increment(ref _rejections[(int)way]);

    /// <summary>How often a refusal was said in each way.</summary>
    public IEnumerable<KeyValuePair<string, long>> Counts() => Modes.Select((way, i) => KeyValuePair.Create(way, Interlocked.Read(ref _rejections[i])));

    public void Sample()
    {
        var now = _time.GetTimestamp();
        var seconds = _time.GetElapsedTime(_lastTick, now).TotalSeconds;
        if (seconds <= 0)
        {
            return;
        }

        var (refused, nonFlooding, cpu) = (_ledger.RefusedTotal, _ledger.RefusedNonFlooding, _cpuTime());
        var perSecond = (nonFlooding - _lastNonFlooding) / seconds;
        RefusedPerSecond = (refused - _lastRefused) / seconds;
        CpuPercent = Math.Clamp((cpu - _lastCpu).TotalSeconds / seconds / Environment.ProcessorCount * 100, 0, 100);
        (_lastTick, _lastRefused, _lastNonFlooding, _lastCpu) = (now, refused, nonFlooding, cpu);

        // A processor that is short makes each refusal count for ten.
        var weight = CpuPercent > _options.HighCpu ? 10 : 1;
        var before = (OverloadLevel)_level;
        var level = _meter.Observe((int)Math.Min(perSecond * weight, int.MaxValue / 2), _options.Total, now, _time);
        _level = (int)level;
        if (RefusedPerSecond > 0)
        {
            _quietSince = now;
        }

        // Down from the highest level takes two cool-downs.
        _isQuiet = level == OverloadLevel.Normal && _time.GetElapsedTime(_quietSince, now) >= 2 * _options.CoolDown;
        LogFloodTransitions(now);
        if (level != before)
        {
            _events.Publish(new OverloadLevelChanged(before, level, perSecond, CpuPercent));
        }
    }

    // One line at the first reset and one when there were none for a while: a flood must be seen in the log and not fill it.
    private void LogFloodTransitions(long now)
    {
        var reset = Interlocked.Read(ref _rejections[(int)RejectionMode.Reset]);
        if (reset > _lastReset)
        {
            if (!_isResetting)
            {
                (_isResetting, _resetBefore) = (true, _lastReset);
                Log.Resetting(_logger, RefusedPerSecond);
            }

            (_lastReset, _lastResetAt) = (reset, now);
        }
        else if (_isResetting && _time.GetElapsedTime(_lastResetAt, now) >= _options.CoolDown)
        {
            _isResetting = false;
            Log.Over(_logger, reset - _resetBefore);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(2, LogLevel.Warning, "A flood: {PerSecond:0} connections are refused a second, and reset before TLS and HTTP; relayctl top --sort refused shows whose")]
        public static partial void Resetting(ILogger logger, double perSecond);

        [LoggerMessage(3, LogLevel.Warning, "The flood is over: {Reset} connections were reset")]
        public static partial void Over(ILogger logger, long reset);
    }
}
