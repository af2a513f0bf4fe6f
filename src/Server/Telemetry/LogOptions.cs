using Relay.Configuration;

namespace Relay.Telemetry;

/// <summary>What is logged, to standard error.</summary>
internal sealed class LogOptions
{
    /// <summary>Minimum level: Trace, Debug, Information, Warning, Error or Critical.</summary>
    [Live]
    public LogLevel Level { get; set; } = LogLevel.Information;

    /// <summary>An entry for each client connection when it opens and when it has closed, at most 50 of each in a second; one line says how many were suppressed.</summary>
    [Live]
    public bool Connections { get; set; }

    /// <summary>Text: one line an entry for people. Json: one object an entry for collectors. Systemd: one line an entry with the priority that its journal understands.</summary>
    public LogFormat Format { get; set; } = LogFormat.Text;
}

/// <summary>How a log entry looks.</summary>
internal enum LogFormat
{
    Text,
    Json,
    Systemd,
}
