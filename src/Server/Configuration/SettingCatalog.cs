using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Reflection;

namespace Relay.Configuration;

/// <summary>One option: where it is written, and what it may be.</summary>
internal sealed record Option(PropertyInfo Section, PropertyInfo Property)
{
    /// <summary>The section as it is written.</summary>
    public string SectionPath { get; } = Section.GetCustomAttribute<ConfigurationKeyNameAttribute>()?.Name ?? Section.Name;

    public string Path => $"{SectionPath}:{Property.Name}";

    public Type Type => Property.PropertyType;

    public bool IsList => Type == typeof(string[]);

    /// <summary>What is allowed, in words.</summary>
    public string Allowed => Property.GetCustomAttribute<DescriptionAttribute>() is { } words ? words.Description
        : Range is { } range ? $"{Show(range.Minimum)} to {Show(range.Maximum)}"
        : Type.IsEnum ? string.Join(", ", Enum.GetNames(Type))
        : Type == typeof(bool) ? "true, false"
        : IsList ? "a list, or one text with commas"
        : "text";

    /// <summary>The smallest and the largest value; null: any.</summary>
    public (IComparable Minimum, IComparable Maximum)? Range =>
        Property.GetCustomAttribute<RangeAttribute>() is { } numbers ? ((IComparable)numbers.Minimum, (IComparable)numbers.Maximum)
        : Property.GetCustomAttribute<DurationRangeAttribute>() is { } durations ? (durations.Minimum, durations.Maximum)
        : null;

    public string Default => Typed(Of(new RelaySettings()));

    /// <summary>A reload applies it.</summary>
    public bool IsLive => Live is not null;

    /// <summary>It may hold a password.</summary>
    public bool IsSecret => Property.IsDefined(typeof(SecretAttribute));

    private LiveAttribute? Live => Property.GetCustomAttribute<LiveAttribute>();

    public object? Of(RelaySettings settings) => Property.GetValue(Section.GetValue(settings));

    /// <summary>A reload applies the change from one value to the other.</summary>
    public bool IsLiveBetween(object? before, object? after) => Live is { } live && !(live.OnlyWhereGiven && (before is "" || after is ""));

    /// <summary>As it would be typed: numbers in plain digits.</summary>
    public static string Typed(object? value) => value is int number ? number.ToString(CultureInfo.InvariantCulture) : Show(value);

    public static string Show(object? value) => value switch
    {
        TimeSpan duration => Durations.Format(duration),
        string[] list => list.Length == 0 ? "(none)" : string.Join(",", list),
        "" => "(empty)",
        bool truth => truth ? "true" : "false",
        int number => number.ToString("#,0", CultureInfo.InvariantCulture),
        _ => System.Convert.ToString(value, CultureInfo.InvariantCulture) ?? "",
    };

    /// <summary>Text to a value of the option's type, or null.</summary>
    public object? Parse(string text)
    {
        if (Type == typeof(TimeSpan))
        {
            return Durations.TryParse(text, out var duration) ? duration : null;
        }

        if (Type == typeof(int))
        {
            return int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) ? number : null;
        }

        if (Type == typeof(bool))
        {
            return bool.TryParse(text, out var truth) ? truth : null;
        }

        if (Type.IsEnum)
        {
            // Enum.TryParse also takes "-1", "+1" and "Close,Status".
            return Enum.GetNames(Type).FirstOrDefault(name => name.Equals(text.Trim(), StringComparison.OrdinalIgnoreCase)) is { } known
                ? Enum.Parse(Type, known)
                : null;
        }

        return IsList ? text.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries) : text;
    }
}

/// <summary>Every option there is, found once from the classes themselves, so that help, checks and reading cannot disagree.</summary>
internal static class SettingCatalog
{
    public static readonly IReadOnlyList<Option> All = Find();

    /// <summary>
    /// The known option whose spelling is nearest: one of exactly that name, else one of the section that is meant, for
    /// "Sesions:Rate" is no misspelling of another section's option with as many letters.
    /// </summary>
    public static string Nearest(string path)
    {
        const int SectionWeight = 3;
        var parts = path.ToUpperInvariant().Split(':');
        var (section, name) = (parts[0], parts[^1]);
        var sameName = All.Where(option => option.Property.Name.Equals(name, StringComparison.OrdinalIgnoreCase)).ToArray();
        return (sameName.Length > 0 ? sameName : All).MinBy(option =>
            Distance(option.Property.Name.ToUpperInvariant(), name)
            + (parts.Length > 1 ? SectionWeight * Distance(option.SectionPath.Split(':')[0].ToUpperInvariant(), section) : 0))!.Path;
    }

    [UnconditionalSuppressMessage("Trimming", "IL2075", Justification = "relayd itself is not trimmed (Server.csproj)")]
    private static Option[] Find() =>
        [.. from section in typeof(RelaySettings).GetProperties()
            from property in section.PropertyType.GetProperties()
            where property.CanWrite
            select new Option(section, property)];

    // Levenshtein's edit distance, one row at a time.
    private static int Distance(string a, string b)
    {
        var row = Enumerable.Range(0, b.Length + 1).ToArray();
        for (var i = 1; i <= a.Length; i++)
        {
            var diagonal = row[0];
            row[0] = i;
            for (var j = 1; j <= b.Length; j++)
            {
                var above = row[j];
                row[j] = Math.Min(Math.Min(above, row[j - 1]) + 1, diagonal + (a[i - 1] == b[j - 1] ? 0 : 1));
                diagonal = above;
            }
        }

        return row[^1];
    }
}
