using System.Text;
using System.Text.Json;
using Relay.RateLimiting;

namespace Relay.AuditLog;

/// <summary>
/// Who changed what. An entry is with the operating system before the caller has the reply, so a crash of the relay loses
/// none; only a power failure may lose the last seconds. A change whose entry cannot be written stands (a full disk must
/// not keep an operator from banning): the entry then goes to the log as an error.
/// </summary>
internal sealed partial class AuditRecorder(AuditOptions options, TimeProvider time, ILogger<AuditRecorder> logger) : IHostedService
{
    // Refusals that are written within ten minutes. A flood of them would push out of the files what really happened: at
    // 400 bytes an entry the defaults keep three weeks of changes under a flood of unknown callers.
    private const int MaxUnknownRefusals = 100;
    private const int KnownRefused = 600;
    private static readonly TimeSpan Period = TimeSpan.FromMinutes(10);

    private readonly AuditFile _file = new(options);
    private readonly Lock _lock = new();

    // Guarded by _lock, which is held while a line is written: entries are in the order of their numbers, and who waits is
    // another operator.
    private TokenBucket _unknown;
    private TokenBucket _known;
    private long _sequence;
    private long _omittedSince;

    // Atomic.
    private long _written;
    private long _failed;
    private long _omitted;

    // Written under _lock, read anywhere.
    private volatile bool _isFailing;

    public bool IsOn => options.File.Length > 0;

    public long Written => Interlocked.Read(ref _written);

    /// <summary>The last entry could not be written.</summary>
    public bool IsFailing => _isFailing;

    /// <summary>Entries that could not be written and are in the log only.</summary>
    public long Failed => Interlocked.Read(ref _failed);

    /// <summary>Refusals that were not written because there were too many.</summary>
    public long Omitted => Interlocked.Read(ref _omitted);

    /// <summary>A file that cannot be used stops the start.</summary>
    public Task StartAsync(CancellationToken cancellationToken)
    {
        if (!IsOn)
        {
            return Task.CompletedTask;
        }

        try
        {
            _file.Prepare();
            lock (_lock)
            {
                _sequence = Newest();
            }
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new InvalidDataException(
                $"The audit file '{options.File}' cannot be written: {exception.Message} Correct its owner and mode, or name another file in Audit:File (empty: none).", exception);
        }

        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Writes one entry.</summary>
    public void Record(AuditEntry entry)
    {
        if (IsOn)
        {
            lock (_lock)
            {
                Write(entry);
            }
        }
    }

    /// <summary>Writes a rejected call, unless there were many just now: then it is counted, and the next entry has the number.</summary>
    public void RecordRefusal(AuditEntry entry, bool ofUnknown)
    {
        if (!IsOn)
        {
            return;
        }

        lock (_lock)
        {
            var mayWrite = ofUnknown
                ? _unknown.TryTake(1, MaxUnknownRefusals, Period, time)
                : _known.TryTake(1, KnownRefused, Period, time);
            if (mayWrite)
            {
                Write(entry);
            }
            else
            {
                Omit();
            }
        }
    }

    /// <summary>Counts a refusal that is not worth a line: of an address that was refused often just now.</summary>
    public void OmitRefusal()
    {
        lock (_lock)
        {
            Omit();
        }
    }

    /// <summary>A page of the entries, the newest first.</summary>
    public AuditPage Read(AuditQuery query) => IsOn ? AuditReader.Read(_file.Paths, query) : AuditPage.Empty;

    private void Omit()
    {
        _omittedSince++;
        Interlocked.Increment(ref _omitted);
    }

    private void Write(AuditEntry entry)
    {
        // A number is used up even by a failure: the gap shows it.
        entry = entry with { Sequence = ++_sequence, Time = time.GetUtcNow().UtcDateTime, Omitted = _omittedSince > 0 ? _omittedSince : null };
        try
        {
            _file.Append(hasOthers =>
            {
                // Of another process, during an upgrade.
                _sequence = hasOthers ? Math.Max(_sequence, Newest() + 1) : _sequence;
                return Line(entry with { Sequence = _sequence });
            });
            _omittedSince = 0;
            _isFailing = false;
            Interlocked.Increment(ref _written);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            _isFailing = true;
            Interlocked.Increment(ref _failed);
            Log.NotWritten(logger, options.File, exception.Message, Encoding.UTF8.GetString(Line(entry)));
        }
    }

    private long Newest() => Read(new AuditQuery { Limit = 1 }).Entries is [var newest] ? newest.Sequence : 0;

    private static byte[] Line(AuditEntry entry) => JsonSerializer.SerializeToUtf8Bytes(entry, AuditJson.Lines.AuditEntry);

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Error, "The audit file {File} could not be written ({Problem}); its entry would have been {Entry}")]
        public static partial void NotWritten(ILogger logger, string file, string problem, string entry);
    }
}
