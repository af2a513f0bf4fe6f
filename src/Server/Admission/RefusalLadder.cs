using Relay.Limits;

namespace Relay.Admission;

/// <summary>How a refusal was said; the names are those of the metric's label.</summary>
internal enum RefusalWay
{
    Close,
    Status,
    Cut,
}

/// <summary>
/// The rung for everybody: once a second it looks at how many were refused and at the processor. An address that floods
/// stands on a rung of its own, in its record of the ledger, and does not draw the others down: it is cut, which costs little.
/// </summary>
internal sealed partial class RefusalLadder : IHostedService, IDisposable
{
    private static readonly TimeSpan Tick = TimeSpan.FromSeconds(1);
    private static readonly string[] Ways = ["close", "status", "cut"];

    private readonly ConnectionLedger _ledger;
    private readonly LimitPolicyStore _policies;
    private readonly LadderOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger<RefusalLadder> _logger;

    // Atomic.
    private readonly long[] _told = new long[Ways.Length];

    // The timer's alone.
    private ITimer? _timer;
    private RungMeter _meter;
    private long _lastTick;
    private long _lastRefused;
    private long _lastCalm;
    private TimeSpan _lastCpu;
    private long _lastCut;
    private long _lastCutAt;
    private long _cutBefore;
    private bool _isCutting;

    // Written by the timer, read by every refusal.
    private volatile int _rung;
    private volatile bool _isQuiet = true;
    private long _quietSince;

    public RefusalLadder(ConnectionLedger ledger, LimitPolicyStore policies, LadderOptions options, TimeProvider time, ILogger<RefusalLadder> logger)
    {
        (_ledger, _policies, _options, _time, _logger) = (ledger, policies, options, time, logger);
        _lastTick = _quietSince = time.GetTimestamp();
    }

    /// <summary>Processor time of this process, all threads together.</summary>
    public Func<TimeSpan> CpuTime { private get; init; } = () => Environment.CpuUsage.TotalTime;

    /// <summary>The rung for everybody.</summary>
    public Rung Rung => Pinned ?? (Rung)_rung;

    /// <summary>The rung at which the policy holds everybody; null: nobody holds it.</summary>
    public Rung? Pinned => _policies.Current.PinnedRung;

    /// <summary>True when nobody has been refused for a while: then no address can be on a rung of its own.</summary>
    public bool IsQuiet => _isQuiet;

    /// <summary>In the last whole second.</summary>
    public double RefusedPerSecond { get; private set; }

    /// <summary>Percent of all processors, in the last whole second.</summary>
    public double CpuPercent { get; private set; }

    /// <summary>The rung for an address that stands on <paramref name="own"/>.</summary>
    public Rung For(Rung own) => Pinned ?? (own > (Rung)_rung ? own : (Rung)_rung);

    public void Told(RefusalWay way) => Interlocked.Increment(ref _told[(int)way]);

    /// <summary>How often a refusal was said in each way.</summary>
    public IEnumerable<KeyValuePair<string, long>> Counts() => Ways.Select((way, i) => KeyValuePair.Create(way, Interlocked.Read(ref _told[i])));

    public Task StartAsync(CancellationToken cancellationToken)
    {
        _lastCpu = CpuTime();
        _timer = _time.CreateTimer(_ => Look(), null, Tick, Tick);
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken)
    {
        Dispose();
        return Task.CompletedTask;
    }

    public void Dispose() => _timer?.Dispose();

    private void Look()
    {
        var now = _time.GetTimestamp();
        var seconds = _time.GetElapsedTime(_lastTick, now).TotalSeconds;
        if (seconds <= 0)
        {
            return;
        }

        var (refused, calm, cpu) = (_ledger.RefusedInAll, _ledger.RefusedCalmly, CpuTime());
        var perSecond = (calm - _lastCalm) / seconds;
        RefusedPerSecond = (refused - _lastRefused) / seconds;
        CpuPercent = Math.Clamp((cpu - _lastCpu).TotalSeconds / seconds / Environment.ProcessorCount * 100, 0, 100);
        (_lastTick, _lastRefused, _lastCalm, _lastCpu) = (now, refused, calm, cpu);

        // A processor that is short makes each refusal count for ten.
        var weight = CpuPercent > _options.HighCpu ? 10 : 1;
        var before = (Rung)_rung;
        var rung = _meter.Observe((int)Math.Min(perSecond * weight, int.MaxValue / 2), _options.Total, now, _time);
        _rung = (int)rung;
        if (RefusedPerSecond > 0)
        {
            _quietSince = now;
        }

        // Down from the highest rung takes two cool-downs.
        _isQuiet = rung == Rung.Calm && _time.GetElapsedTime(_quietSince, now) >= 2 * _options.CoolDown;
        TellOfCuts(now);
        if (rung != before)
        {
            Log.Changed(_logger, Rungs.Name(before), Rungs.Name(rung), perSecond, CpuPercent);
        }
    }

    // One line when the first is cut and one when nobody has been for a while: a flood is to be seen in the log, and not to fill it.
    private void TellOfCuts(long now)
    {
        var cut = Interlocked.Read(ref _told[(int)RefusalWay.Cut]);
        if (cut > _lastCut)
        {
            if (!_isCutting)
            {
                (_isCutting, _cutBefore) = (true, _lastCut);
                Log.Cutting(_logger, RefusedPerSecond);
            }

            (_lastCut, _lastCutAt) = (cut, now);
        }
        else if (_isCutting && _time.GetElapsedTime(_lastCutAt, now) >= _options.CoolDown)
        {
            _isCutting = false;
            Log.Over(_logger, cut - _cutBefore);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(2, LogLevel.Warning, "A flood: {PerSecond:0} connections are refused a second, and cut before TLS and HTTP; relayctl top --sort refused shows whose")]
        public static partial void Cutting(ILogger logger, double perSecond);

        [LoggerMessage(3, LogLevel.Warning, "The flood is over: {Cut} connections were cut")]
        public static partial void Over(ILogger logger, long cut);

        [LoggerMessage(1, LogLevel.Warning, "Refusing goes from {Before} to {After}: {PerSecond:0} refused a second without those that flood by themselves, {Cpu:0} % of the processors in use")]
        public static partial void Changed(ILogger logger, string before, string after, double perSecond, double cpu);
    }
}
