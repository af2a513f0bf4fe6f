using System.Text;
using System.Threading.Channels;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Logging.Console;

namespace Relay.Telemetry;

/// <summary>
/// The log on a stream, standard error, that never makes anybody wait: a thread of its own writes, and lines for which there
/// is no capacity, because nobody reads the other end of the pipe, are dropped and counted. Nor does it grow with what comes
/// from outside: of one kind of line so many are written in a second, and the others are counted.
/// </summary>
internal sealed class ConsoleLog : ILoggerProvider
{
    /// <summary>Lines that may wait for the stream.</summary>
    public const int MaxWaiting = 256;

    /// <summary>Lines of one event in a second.</summary>
    public const int MaxPerSecond = 50;

    // What a stop waits at most for the last lines.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);

    private readonly ConsoleFormatter _formatter;
    private readonly Stream _stream;
    private readonly LogOptions _options;
    private readonly TimeProvider _time;
    private readonly Channel<byte[]> _waiting = Channel.CreateBounded<byte[]>(new BoundedChannelOptions(MaxWaiting) { SingleReader = true });
    private readonly Thread _thread;

    // Atomic.
    private long _unread;
    private long _repeated;

    public ConsoleLog(ConsoleFormatter formatter, Stream stream, LogOptions options, TimeProvider time)
    {
        (_formatter, _stream, _options, _time) = (formatter, stream, options, time);
        _thread = new Thread(WriteAll) { IsBackground = true, Name = "log" };
        _thread.Start();
    }

    /// <summary>Lines dropped because the stream was not read.</summary>
    public long Unread => Interlocked.Read(ref _unread);

    /// <summary>Lines suppressed because too many of their kind came within a second.</summary>
    public long Repeated => Interlocked.Read(ref _repeated);

    public ILogger CreateLogger(string categoryName) => new Logger(this, categoryName);

    public void Dispose()
    {
        _waiting.Writer.TryComplete();
        _thread.Join(Patience);
    }

    private byte[] Format<TState>(in LogEntry<TState> entry)
    {
        using var text = new StringWriter();
        _formatter.Write(entry, scopeProvider: null, text);
        return Encoding.UTF8.GetBytes(text.ToString());
    }

    private void Add(byte[] line)
    {
        if (line.Length > 0 && !_waiting.Writer.TryWrite(line))
        {
            Interlocked.Increment(ref _unread);
        }
    }

    private void WriteAll()
    {
        var reported = 0L;
        try
        {
            while (_waiting.Reader.WaitToReadAsync().AsTask().GetAwaiter().GetResult())
            {
                while (_waiting.Reader.TryRead(out var line))
                {
                    _stream.Write(line);
                }

                if (Unread is var unread && unread > reported)
                {
                    _stream.Write(Note(typeof(ConsoleLog).FullName!, $"{unread - reported} lines of the log were dropped: nobody read it fast enough"));
                    reported = unread;
                }
            }
        }
        catch (IOException)
        {
            // The other end is gone: from here on everything is dropped, and counted when there is no more capacity.
        }
    }

    private byte[] Note(string category, string text) =>
        Format(new LogEntry<string>(LogLevel.Warning, category, default, text, null, static (text, _) => text));

    private sealed class Logger(ConsoleLog log, string category) : ILogger
    {
        private readonly Lock _lock = new();

        // Guarded by _lock. As many as the code has events.
        private readonly Dictionary<int, Kind> _kinds = [];

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel != LogLevel.None && logLevel >= log._options.Level;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (!IsEnabled(logLevel))
            {
                return;
            }

            if (!MayWrite(eventId.Id, out var suppressed))
            {
                Interlocked.Increment(ref log._repeated);
                return;
            }

            if (suppressed > 0)
            {
                log.Add(log.Note(category, $"{suppressed} lines like the next one were suppressed"));
            }

            log.Add(log.Format(new LogEntry<TState>(logLevel, category, eventId, state, exception, formatter)));
        }

        private bool MayWrite(int eventId, out int suppressed)
        {
            suppressed = 0;
            var now = log._time.GetTimestamp();
            lock (_lock)
            {
                if (!_kinds.TryGetValue(eventId, out var kind))
                {
                    _kinds.Add(eventId, kind = new Kind { Since = now });
                }

                if (log._time.GetElapsedTime(kind.Since, now) >= TimeSpan.FromSeconds(1))
                {
                    suppressed = kind.Suppressed;
                    (kind.Since, kind.Written, kind.Suppressed) = (now, 0, 0);
                }

                if (kind.Written < MaxPerSecond)
                {
                    kind.Written++;
                    return true;
                }

                kind.Suppressed++;
                return false;
            }
        }

        private sealed class Kind
        {
            public long Since;
            public int Written;
            public int Suppressed;
        }
    }
}
