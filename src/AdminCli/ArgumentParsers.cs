using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;

namespace Relay.AdminCli;

/// <summary>Reads option values; what is wrong is said in one sentence that names the option and its range.</summary>
internal static class ArgumentParsers
{
    private static readonly TimeSpan HundredYears = TimeSpan.FromDays(36_500);

    private static readonly (string Suffix, TimeSpan Unit)[] TimeUnits =
    [
        ("ms", TimeSpan.FromMilliseconds(1)),
        ("s", TimeSpan.FromSeconds(1)),
        ("m", TimeSpan.FromMinutes(1)),
        ("h", TimeSpan.FromHours(1)),
        ("d", TimeSpan.FromDays(1)),
    ];

    /// <summary>A whole number; <paramref name="hint"/> ends the sentence for the value that was given.</summary>
    public static Func<ArgumentResult, T?> Whole<T>(string option, long least, long most, Func<long?, string>? hint = null)
        where T : struct, System.Numerics.IBinaryInteger<T> => argument =>
    {
        var text = argument.Tokens[0].Value;
        long? value = long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) ? number : null;
        if (value >= least && value <= most)
        {
            return T.CreateChecked(value.Value);
        }

        var ending = hint?.Invoke(value) is { } advice ? $"; {advice}" : "";
        argument.AddError($"{option} must be between {Units.Count(least)} and {Units.Count(most)}, not '{Printable.Clean(text)}'{ending}.");
        return null;
    };

    /// <summary>"500ms", "5s", "2m", "1h", "30d"; a bare number is seconds.</summary>
    public static Func<ArgumentResult, TimeSpan?> Duration(string option, TimeSpan least, TimeSpan most, string examples = "500ms, 5s or 2m") => argument =>
    {
        var text = argument.Tokens[0].Value;
        if (TryReadDuration(text, out var duration) && duration >= least && duration <= most)
        {
            return duration;
        }

        argument.AddError($"{option} must be between {Short(least)} and {Short(most)}, such as {examples}, not '{Printable.Clean(text)}'.");
        return null;
    };

    /// <summary>A text that the relay will understand; <paramref name="allowed"/> ends the sentence for one that it will not.</summary>
    public static Func<ArgumentResult, string?> Text(string option, Func<string, bool> isRight, string allowed) => argument =>
    {
        var text = argument.Tokens[0].Value;
        if (isRight(text))
        {
            return text;
        }

        argument.AddError($"{option} must be {allowed}, not '{Printable.Clean(text)}'.");
        return null;
    };

    public static Option<T> Choice<T>(string name, IReadOnlyDictionary<string, T> choices, params string[] aliases)
    {
        var option = new Option<T>(name, aliases) { HelpName = string.Join('|', choices.Keys), CustomParser = OneOf(name, choices) };
        // An enum brings completions of its own: its C# names.
        option.CompletionSources.Clear();
        option.CompletionSources.Add([.. choices.Keys]);
        return option;
    }

    public static Func<ArgumentResult, T> OneOf<T>(string option, IReadOnlyDictionary<string, T> choices) => argument =>
    {
        var text = argument.Tokens[0].Value;
        if (choices.TryGetValue(text, out var choice))
        {
            return choice;
        }

        argument.AddError($"{option} must be {string.Join(", ", choices.Keys.SkipLast(1))} or {choices.Keys.Last()}, not '{Printable.Clean(text)}'.");
        return default!;
    };

    /// <summary>"500ms", "5s", "2m", "1h", "30d", or bare seconds, within a hundred years.</summary>
    public static bool TryReadDuration(string text, out TimeSpan duration)
    {
        duration = default;
        var (suffix, unit) = TimeUnits.FirstOrDefault(known => text.EndsWith(known.Suffix, StringComparison.Ordinal), (Suffix: "", Unit: TimeSpan.FromSeconds(1)));
        var number = text[..^suffix.Length];
        // A hundred years are outside every range here, and more would overflow if it were large enough.
        if (!decimal.TryParse(number, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var count) || count > HundredYears.Ticks / unit.Ticks)
        {
            return false;
        }

        duration = TimeSpan.FromTicks((long)(count * unit.Ticks));
        return true;
    }

    private static string Short(TimeSpan time) => time switch
    {
        { TotalSeconds: < 1 } => $"{time.TotalMilliseconds:0}ms",
        { TotalMinutes: < 1 } => $"{time.TotalSeconds:0}s",
        { TotalHours: < 1 } => $"{time.TotalMinutes:0}m",
        { TotalDays: < 2 } => $"{time.TotalHours:0}h",
        _ => $"{time.TotalDays:0}d",
    };
}
