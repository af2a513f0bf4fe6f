using Relay.Events;

namespace Relay.Admin;

/// <summary>Writes each event to the log: one line, in one style, whoever or whatever did it.</summary>
internal sealed partial class OperatorLog(ILogger<OperatorLog> logger)
{
    public void Write(PublishedEvent published)
    {
        var happened = published.Event;
        if (!logger.IsEnabled(happened.Level))
        {
            return;
        }

        if (happened is { Who: RelayEvent.Relay, Reason: "" })
        {
            Log.Happened(logger, happened.Level, Printable(happened.Text), happened.Kind);
        }
        else
        {
            Log.HappenedBy(logger, happened.Level, Printable(happened.Text), Printable(happened.Who), Reason(happened.Reason), happened.Kind);
        }
    }

    private static string Reason(string text) => text.Length == 0 ? "no reason given" : Printable(text);

    // A line break in a reason must not look like a log entry of its own.
    private static string Printable(string text) => string.Concat(text.Select(c => char.IsControl(c) ? ' ' : c));

    private static partial class Log
    {
        [LoggerMessage(EventId = 1, Message = "{Text} [{Kind}]")]
        public static partial void Happened(ILogger logger, LogLevel level, string text, string kind);

        [LoggerMessage(EventId = 2, Message = "{Text}, by {Who} ({Reason}) [{Kind}]")]
        public static partial void HappenedBy(ILogger logger, LogLevel level, string text, string who, string reason, string kind);
    }
}
