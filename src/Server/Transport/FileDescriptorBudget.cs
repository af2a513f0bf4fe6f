using Relay.Admission;
using Relay.Policy;

namespace Relay.Transport;

/// <summary>
/// Keeps files back from the public. A process that has none left cannot accept an operator, write the audit or load a
/// library, so public connections above what the limit of open files allows are closed as soon as they are accepted.
/// </summary>
internal sealed partial class FileDescriptorBudget(
    PublicListenerOptions options, AdmissionOptions admission, ConnectionLedger ledger, TimeProvider time, ILogger<FileDescriptorBudget> logger)
{
    private static readonly TimeSpan BetweenWarnings = TimeSpan.FromMinutes(1);

    // Set once, before anything is accepted.
    private int _max = int.MaxValue;

    // Atomic.
    private long _rejected;
    private long _warned;

    /// <summary>Public connections that may be open at once.</summary>
    public int Max => _max;

    /// <summary>Connections closed at once because that many were open.</summary>
    public long Rejected => Interlocked.Read(ref _rejected);

    /// <summary>Takes what the relay itself has open when it begins to listen, and leaves the rest to the public. Throws when that is nothing.</summary>
    public void Measure(long limit, long open)
    {
        if (limit == 0 || _max != int.MaxValue)
        {
            return;
        }

        var most = limit - open - options.ReservedFiles;
        if (most < 1)
        {
            throw new InvalidDataException(
                $"the limit of open files is {limit:#,0}; {open:#,0} are open already and Listen:ReservedFiles keeps {options.ReservedFiles:#,0} back, "
                + "which leaves none for clients; raise it with LimitNOFILE (systemd) or ulimit -n");
        }

        _max = (int)Math.Min(most, int.MaxValue);

        // One in twenty is left to status pages, peers and those who are being refused: at the ceiling a client is still told.
        ledger.SetCeiling(byFiles: Math.Max(1, _max - Math.Max(_max / 20, 1)));
        if (_max < admission.Total)
        {
            Log.Few(logger, limit, _max, admission.Total);
        }
    }

    /// <summary>Counts a connection that was closed because no file descriptor was left for it.</summary>
    public void Reject()
    {
        Interlocked.Increment(ref _rejected);
        Warn();
    }

    // Once a minute, however many there are.
    private void Warn()
    {
        var last = Interlocked.Read(ref _warned);
        var now = time.GetTimestamp();
        if ((last == 0 || time.GetElapsedTime(last, now) >= BetweenWarnings) && Interlocked.CompareExchange(ref _warned, now, last) == last)
        {
            Log.Full(logger, _max, Rejected);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "The limit of {Files} open files allows {Most} connections, fewer than Admission:Total {Total}; raise it with LimitNOFILE (systemd) or ulimit -n")]
        public static partial void Few(ILogger logger, long files, int most, int total);

        [LoggerMessage(2, LogLevel.Warning, "All {Most} connections that the limit of open files allows are open; new connections are closed at once ({Rejected} so far)")]
        public static partial void Full(ILogger logger, int most, long rejected);
    }
}
