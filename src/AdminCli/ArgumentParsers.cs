using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using Relay.Configuration;

namespace Relay.AdminCli;

/// <summary>Reads option values; what is wrong is said in one sentence that names the option and its range.</summary>
internal static class ArgumentParsers
{
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
        var range = most == long.MaxValue ? $"{least} or greater" : $"between {Units.Count(least)} and {Units.Count(most)}";
        argument.AddError($"{option} must be {range}, not '{Printable.Clean(text)}'{ending}.");
        return null;
    };

    /// <summary>"500ms", "5s", "1h30m", "30d".</summary>
    public static Func<ArgumentResult, TimeSpan?> Duration(string option, TimeSpan least, TimeSpan most, string examples = "500ms, 5s or 2m") => argument =>
    {
        var text = argument.Tokens[0].Value;
        if (Durations.TryParse(text, out var duration) && duration >= least && duration <= most)
        {
            return duration;
        }

        argument.AddError(text.Length > 0 && text.All(char.IsAsciiDigit)
            ? $"{option} needs a unit: write 1s, 5m or 1h30m, not '{text}'."
            : $"{option} must be between {Durations.Format(least)} and {Durations.Format(most)}, such as {examples}, not '{Printable.Clean(text)}'.");
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
}
