using System.Globalization;

namespace Relay.AuditLog;

/// <summary>Which entries are asked for; what is not set does not narrow.</summary>
internal sealed record AuditQuery
{
    public required int Limit { get; init; }

    public DateTime? Since { get; init; }

    /// <summary>Only entries with a greater number.</summary>
    public long AfterSequence { get; init; }

    /// <summary>Part of the caller's description, in any case.</summary>
    public string Who { get; init; } = "";

    /// <summary>Part of the method's name in any case; dashes do not count, so that "change-policy" finds ChangePolicy.</summary>
    public string Method { get; init; } = "";

    /// <summary>Where the page before ended.</summary>
    public AuditCursor? From { get; init; }

    public bool Matches(AuditEntry entry) =>
        (Since is not { } since || entry.Time >= since)
        && entry.Who.Contains(Who, StringComparison.OrdinalIgnoreCase)
        && entry.Method.Contains(Method.Replace("-", "", StringComparison.Ordinal), StringComparison.OrdinalIgnoreCase);
}

/// <summary>A position between two entries that stays valid while entries are added and files are renamed.</summary>
/// <param name="First">Number of the first entry in the file: files are renamed, their beginning stays.</param>
/// <param name="Offset">Where in the file.</param>
/// <param name="Before">Number of the entry that was read last; older ones follow.</param>
internal readonly record struct AuditCursor(long First, long Offset, long Before)
{
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{First}:{Offset}:{Before}");

    public static bool TryParse(string text, out AuditCursor cursor)
    {
        cursor = default;
        if (text.Split(':') is not [var first, var offset, var before] || !Read(first, out var a) || !Read(offset, out var b) || !Read(before, out var c))
        {
            return false;
        }

        cursor = new AuditCursor(a, b, c);
        return true;

        static bool Read(string digits, out long number) => long.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out number);
    }
}

/// <summary>Entries, the newest first.</summary>
/// <param name="Next">Where to go on; null: there are no more. A page may be short, or even empty, and have one.</param>
/// <param name="Damaged">Lines met on the way that are no entries, as a crash in mid-line leaves them.</param>
internal sealed record AuditPage(IReadOnlyList<AuditEntry> Entries, AuditCursor? Next, int Damaged)
{
    public static readonly AuditPage Empty = new([], null, 0);
}
