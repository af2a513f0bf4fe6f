namespace Relay.Telemetry;

/// <summary>What is logged, to standard error.</summary>
internal sealed class LogOptions
{
    /// <summary>Minimum level: Trace, Debug, Information, Warning, Error or Critical.</summary>
    public LogLevel Level { get; set; } = LogLevel.Information;

    /// <summary>Text: one line an entry for people. Json: one object an entry for collectors.</summary>
    public LogFormat Format { get; set; } = LogFormat.Text;
}

/// <summary>How a log entry looks.</summary>
internal enum LogFormat
{
    Text,
    Json,
}
