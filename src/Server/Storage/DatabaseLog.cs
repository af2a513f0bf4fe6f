namespace Relay.Storage;

/// <summary>What the database reports of itself.</summary>
internal static partial class DatabaseLog
{
    [LoggerMessage(1, LogLevel.Information, "Database {Name}, schema version {Version}")]
    public static partial void Opened(ILogger logger, string name, int version);

    [LoggerMessage(3, LogLevel.Error, "The database {Name} cannot be reached, and what needs it fails at once until it can be again: {Why}")]
    public static partial void Away(ILogger logger, string name, string why);

    [LoggerMessage(4, LogLevel.Warning, "The database {Name} can be reached again after {Seconds:0.0} s; {Count} pieces of work failed meanwhile")]
    public static partial void Back(ILogger logger, string name, double seconds, long count);
}
