namespace Relay.Configuration;

/// <summary>relayd config show: each option's value and where it comes from.</summary>
internal static class ConfigurationShow
{
    public const string Help = """
        Show the value of each option, and where it comes from.

        Usage:
          relayd config show [--config FILE] [--Section:Option=value ...]

        Prints one line for each option: its name, its value, and its source: default, the file, the variable, or command line.
        Give it what relayd itself is given. Values that may hold a password are not shown. Nothing is started or changed.
        Exit codes: 0, 2 configuration errors.

        Examples:
          relayd config show --config /etc/relay/relay.json
          relayd config show | grep -v ' default$'

        """;

    private const string Hidden = "(hidden)";

    /// <summary>Each option with its value, unless that may hold a password, and where it comes from.</summary>
    public static IEnumerable<(Option Option, string? Value, string Source)> Rows(RelaySettings settings) => SettingCatalog.All.Select(option =>
        (option, Value(option, settings), settings.Sources.GetValueOrDefault(option.Path, "default")));

    public static void Write(RelaySettings settings, TextWriter output)
    {
        var rows = Rows(settings).Select(row => (row.Option.Path, Value: row.Value ?? Hidden, row.Source)).ToArray();
        var (path, value) = (rows.Max(row => row.Path.Length), Math.Min(40, rows.Max(row => row.Value.Length)));
        foreach (var row in rows)
        {
            output.WriteLine($"{row.Path.PadRight(path)}  {row.Value.PadRight(value)}  {row.Source}");
        }
    }

    private static string? Value(Option option, RelaySettings settings) =>
        option.Of(settings) is var value && option.IsSecret && value is not "" and not string[] { Length: 0 } ? null : Option.Typed(value);
}
