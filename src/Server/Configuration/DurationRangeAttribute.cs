namespace Relay.Configuration;

/// <summary>The shortest and the longest duration that an option may have, as <see cref="Durations"/> reads them.</summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class DurationRangeAttribute(string minimum, string maximum) : Attribute
{
    public TimeSpan Minimum { get; } = Parse(minimum);

    public TimeSpan Maximum { get; } = Parse(maximum);

    private static TimeSpan Parse(string text) =>
        Durations.TryParse(text, out var duration) ? duration : throw new FormatException($"'{text}' is no duration");
}
