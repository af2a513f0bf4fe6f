using Relay.Memory;
using Relay.Policy;

namespace Relay.Admission;

/// <summary>
/// Keeps the relay from admitting more than its memory holds. What a socket takes is measured while there are enough of
/// them; what is left is asked of the machine and the control groups. Resident memory alone decides nothing: after a flood
/// it stays high although the collector has most of it to give.
/// </summary>
internal sealed partial class MemoryCeiling
{
    /// <summary>What a socket is taken for until it is measured: an idle one takes 1 KB on plain TCP and 15 KB with TLS, and some 4 KB of the kernel.</summary>
    public const int AssumedBytes = 16 * 1024;

    private const int MinBytes = 8 * 1024;
    private const int MaxBytes = 1024 * 1024;

    // However small the share: the bursts and the collector's delay of a small control group are not smaller than a large one's.
    private const long MinReserve = 32 << 20;

    // With fewer sockets, what the relay does beside them would be taken for theirs.
    private const int Enough = 500;

    // A higher ceiling must be so much higher, and be found so often in a row.
    private const double Rise = 1.1;
    private const int RiseLooks = 3;

    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);

    private readonly ConnectionLedger _ledger;
    private readonly LimitPolicyStore _policies;
    private readonly AdmissionOptions _options;
    private readonly MemoryBudget _budget;
    private readonly ILogger<MemoryCeiling> _logger;

    private readonly Func<MemoryReading> _read;

    // Look's alone, but for Last.
    private long _empty = long.MaxValue;
    private double _perConnection = AssumedBytes;
    private int _ceiling = int.MaxValue;
    private int _higher;

    /// <param name="read">How memory is read; null: asks the machine and the control groups.</param>
    public MemoryCeiling(
        ConnectionLedger ledger,
        LimitPolicyStore policies,
        AdmissionOptions options,
        MemoryBudget budget,
        ILogger<MemoryCeiling> logger,
        Func<MemoryReading>? read = null) =>
        (_ledger, _policies, _options, _budget, _logger, _read) = (ledger, policies, options, budget, logger, read ?? MemoryReading.Now);

    /// <summary>The last reading.</summary>
    public MemoryReading Last { get; private set; }

    /// <summary>Bytes that one client socket takes.</summary>
    public int BytesPerConnection => (int)Volatile.Read(ref _perConnection);

    public void Look()
    {
        var reading = Last = _read();
        if (reading.Limit <= 0)
        {
            return;
        }

        var totals = _ledger.Totals();
        var live = totals.Live + totals.Uncounted;
        Measure(reading, live);

        // A share is kept back: for other processes, for what the kernel needs for the sockets, and what the budget of buffers
        // has left. What is used of it is no longer available anyway.
        var reserve = Math.Max((long)(reading.Limit * (_options.MemoryReserve / 100.0)), MinReserve);
        var unusedBudget = Math.Max(0, _budget.Limit - _budget.Used);
        var capacity = (reading.Available + reading.Spare - reserve - unusedBudget) / _perConnection;
        var found = (int)Math.Clamp(live + capacity, 1, AdmissionOptions.MaxLimit);
        Set(found);
    }

    // The least that was ever in use with few sockets is what the relay takes without any. Buffers are the budget's.
    private void Measure(in MemoryReading reading, int live)
    {
        var inUse = Math.Max(0, reading.InUse - _budget.Used);
        if (live < Enough)
        {
            _empty = Math.Min(_empty, inUse);
            return;
        }

        if (_empty != long.MaxValue)
        {
            var measured = Math.Clamp((double)(inUse - _empty) / live, MinBytes, MaxBytes);

            // A quarter of each look: one look may fall into a burst.
            Volatile.Write(ref _perConnection, (_perConnection * 0.75) + (measured * 0.25));
        }
    }

    // Down at once, up only when it is surely so.
    private void Set(int found)
    {
        _higher = found > _ceiling * Rise ? _higher + 1 : 0;
        if (found >= _ceiling && _higher < RiseLooks)
        {
            return;
        }

        var before = _ceiling;
        (_ceiling, _higher) = (found, 0);
        _ledger.SetCeiling(byMemory: found);
        var total = _policies.Current.Total;
        if (found < total && (before >= total || found < before / 2))
        {
            Log.Low(_logger, found, total, Last.Available >> 20, Last.Limit >> 20, BytesPerConnection);
        }
        else if (found >= total && before < total)
        {
            Log.Enough(_logger, total);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "Memory suffices for {Found} client sockets, fewer than the total limit of {Total}: {Available} MiB of {Limit} are available, and a socket takes {Bytes} bytes")]
        public static partial void Low(ILogger logger, int found, int total, long available, long limit, int bytes);

        [LoggerMessage(2, LogLevel.Information, "Memory suffices for the total limit of {Total} client sockets again")]
        public static partial void Enough(ILogger logger, int total);
    }
}
