using System.Diagnostics.Metrics;

namespace Relay.Telemetry;

/// <summary>Counts by name as the measurements of an instrument and as a map of the status.</summary>
internal static class Series
{
    /// <summary>One measurement for each count, with its name as the value of <paramref name="label"/>.</summary>
    public static IEnumerable<Measurement<long>> Labelled(this IEnumerable<KeyValuePair<string, long>> counts, string label) =>
        counts.Select(count => new Measurement<long>(count.Value, new KeyValuePair<string, object?>(label, count.Key)));

    /// <summary>The measurements of a label with few values.</summary>
    public static IEnumerable<Measurement<long>> Of(string label, params (string Value, long Count)[] counts) =>
        counts.Select(count => KeyValuePair.Create(count.Value, count.Count)).Labelled(label);

    /// <summary>Those that happened; operators are not shown rows of zeros.</summary>
    public static Dictionary<string, long> NonZero(this IEnumerable<KeyValuePair<string, long>> counts) =>
        counts.Where(count => count.Value > 0).ToDictionary();
}
