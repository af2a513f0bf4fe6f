using System.CommandLine;

namespace Relay.AdminCli;

/// <summary>How fast clients are disconnected, of every command that drains some.</summary>
internal static class DrainFlags
{
    public static Option<int?> RateOption(string description) => new("--rate")
    {
        Description = $"{description}, 1 to 100,000 (default 100).",
        HelpName = "number",
        CustomParser = ArgumentParsers.Whole<int>("--rate", 1, 100_000),
    };

    public static Option<TimeSpan?> DeadlineOption(string description) => new("--deadline")
    {
        Description = $"{description}, 1s to 24h (default 5m).",
        HelpName = "time",
        CustomParser = ArgumentParsers.Duration("--deadline", TimeSpan.FromSeconds(1), TimeSpan.FromHours(24), "30s, 5m or 1h"),
    };
}
