using System.Globalization;
using System.Text;

namespace Relay.AdminCli;

/// <summary>
/// Makes text that came from the relay safe to show. A peer server chooses its own endpoint and region: an escape sequence
/// in it could rewrite the operator's screen, a bidirectional mark could make one name look like another.
/// </summary>
internal static class Printable
{
    public static string Clean(string text)
    {
        var clean = new StringBuilder(text.Length);
        foreach (var rune in text.EnumerateRunes())
        {
            if (IsPrintable(rune))
            {
                clean.Append(rune);
            }
        }

        return clean.ToString();
    }

    /// <summary>The same, and a sign where nothing is left to show.</summary>
    public static string CleanOrUnknown(string text) => Clean(text) is { Length: > 0 } clean ? clean : Units.Unknown;

    /// <summary>The same as one word, for a column: blanks as '_'.</summary>
    public static string Word(string text) => CleanOrUnknown(text).Replace(' ', '_');

    private static bool IsPrintable(Rune rune) => Rune.GetUnicodeCategory(rune) is not
        (UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.Surrogate or UnicodeCategory.PrivateUse
        or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator);
}
