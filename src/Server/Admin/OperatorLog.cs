using Relay.Events;

namespace Relay.Admin;

/// <summary>Writes each event to the log: one line, in one style, whoever or whatever did it.</summary>
internal sealed partial class OperatorLog(ILogger<OperatorLog> logger)
{
    public void Write(PublishedEvent published)
    {
        var happened = published.Event;
        var (level, text, kind) = (happened.Level, Printable(happened.Text), happened.Kind);
        if (happened is { Who: RelayEvent.Relay, Reason: "" })
        {
            Log.Happened(logger, level, text, kind);
            return;
        }

        var (who, reason) = (Printable(happened.Who), happened.Reason.Length == 0 ? "no reason given" : Printable(happened.Reason));
        Log.HappenedBy(logger, level, text, who, reason, kind);
    }

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
