using System.Data.Common;

namespace Relay.Storage;

/// <summary>Counts the pieces of work that the database failed, and logs why.</summary>
internal sealed partial class DatabaseFailures(TimeProvider time, ILogger logger)
{
    // A full disk fails every message; one log line in this interval is enough.
    private static readonly TimeSpan BetweenReports = TimeSpan.FromSeconds(10);

    // Atomic.
    private long _count;
    private long _reported;
    private long _reportedAt;

    public long Count => Interlocked.Read(ref _count);

    public void Add(int count) => Interlocked.Add(ref _count, count);

    public void Report(Exception exception, int count)
    {
        var failures = Interlocked.Add(ref _count, count);
        var last = Interlocked.Read(ref _reportedAt);
        var now = time.GetTimestamp();
        if ((last == 0 || time.GetElapsedTime(last, now) >= BetweenReports)
            && Interlocked.CompareExchange(ref _reportedAt, now, last) == last)
        {
            // A full disk is not a bug: a stack trace would not help.
            Log.Failed(
                logger, exception.InnerException is null or DbException ? null : exception, failures - Interlocked.Exchange(ref _reported, failures), exception.Message);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(2, LogLevel.Error, "The database failed {Count} pieces of work since the last such line; nothing of them took effect: {Why}")]
        public static partial void Failed(ILogger logger, Exception? exception, long count, string why);
    }
}
