using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace Relay.EndToEnd.Support;

/// <summary>What a running server logs from now on.</summary>
internal sealed class LogCollector : ILoggerProvider, ILogger
{
    private readonly ConcurrentQueue<string> _lines = [];

    public IReadOnlyCollection<string> Lines => _lines;

    public static LogCollector Attach(RelayServer server)
    {
        var collector = new LogCollector();
        server.Get<ILoggerFactory>().AddProvider(collector);
        return collector;
    }

    /// <summary>Waits for a line that begins like this: events are logged by a reader of their stream.</summary>
    public Task ContainsAsync(string begin) => Eventually.TrueAsync(() => _lines.Any(line => line.StartsWith(begin, StringComparison.Ordinal)), begin);

    public ILogger CreateLogger(string categoryName) => this;

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
        _lines.Enqueue(formatter(state, exception));

    public void Dispose()
    {
    }
}
