using System.Text;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Logging.Console;
using Microsoft.Extensions.Time.Testing;
using Relay.Telemetry;

namespace Server.Tests.Telemetry;

public sealed class ConsoleLogTests : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly FakeTimeProvider _time = new();
    private readonly Pipe _pipe = new();
    private readonly ConsoleLog _log;

    public ConsoleLogTests() => _log = new ConsoleLog(new OneLine(), _pipe, new LogOptions(), _time);

    public void Dispose()
    {
        _pipe.Read();
        _log.Dispose();
        _pipe.Dispose();
    }

    // A log that nobody reads stopped the relay, and even SIGTERM.
    [Fact]
    public async Task Log_NobodyReads_DropsAndCountsAndNeverWaits()
    {
        var logger = _log.CreateLogger("a");
        await Task.Run(
            () =>
            {
                for (var i = 0; i < 10 * ConsoleLog.MaxWaiting; i++)
                {
                    Write(logger, i, $"line {i}");
                }
            },
            TestContext.Current.CancellationToken).WaitAsync(Patience, TestContext.Current.CancellationToken);
        Assert.InRange(_log.Unread, (9 * ConsoleLog.MaxWaiting) - 1, 9 * ConsoleLog.MaxWaiting);

        _pipe.Read();
        _log.Dispose();
        var lines = _pipe.Lines();
        Assert.Equal("line 0", lines[0]);
        Assert.Equal($"{_log.Unread} lines of the log were dropped: nobody read it fast enough", lines[^1]);
        Assert.Equal((10 * ConsoleLog.MaxWaiting) - _log.Unread, lines.Length - 1);
    }

    [Fact]
    public void Log_ManyOfOneEvent_WritesSoManyASecondAndCountsTheOthers()
    {
        var logger = _log.CreateLogger("a");
        for (var i = 0; i < 1000; i++)
        {
            Write(logger, 1, "flood");
        }

        Write(logger, 2, "other");
        _time.Advance(TimeSpan.FromSeconds(1));
        Write(logger, 1, "later");
        _pipe.Read();
        _log.Dispose();

        var suppressed = 1000 - ConsoleLog.MaxPerSecond;
        Assert.Equal(
            [.. Enumerable.Repeat("flood", ConsoleLog.MaxPerSecond), "other", $"{suppressed} lines like the next one were suppressed", "later"],
            _pipe.Lines());
        Assert.Equal((suppressed, 0L), (_log.Repeated, _log.Unread));
    }

    private static void Write(ILogger logger, int eventId, string text) => logger.Log(LogLevel.Warning, eventId, text, null, (state, _) => state);

    private sealed class OneLine() : ConsoleFormatter("test")
    {
        public override void Write<TState>(in LogEntry<TState> logEntry, IExternalScopeProvider? scopeProvider, TextWriter textWriter) =>
            textWriter.Write(logEntry.Formatter(logEntry.State, logEntry.Exception) + "\n");
    }

    /// <summary>A pipe that takes nothing before it is read.</summary>
    private sealed class Pipe : MemoryStream
    {
        private readonly ManualResetEventSlim _isRead = new();

        public void Read() => _isRead.Set();

        public string[] Lines() => Encoding.UTF8.GetString(ToArray()).Split('\n', StringSplitOptions.RemoveEmptyEntries);

        public override void Write(ReadOnlySpan<byte> buffer)
        {
            Assert.True(_isRead.Wait(Patience));
            base.Write(buffer);
        }

        protected override void Dispose(bool disposing)
        {
            _isRead.Dispose();
            base.Dispose(disposing);
        }
    }
}
