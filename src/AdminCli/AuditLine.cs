using Relay.AdminApi;

namespace Relay.AdminCli;

/// <summary>One entry of the audit log as lines for eyes: who did what and how it ended, then what is different since.</summary>
internal static class AuditLine
{
    private const string Indent = "    ";
    private const string Ok = "ok";

    public static IEnumerable<string> Format(AuditRecord entry)
    {
        if (entry.Omitted > 0)
        {
            yield return $"{Indent}({Units.Count(entry.Omitted)} earlier rejections were not recorded: too many)";
        }

        var what = entry.What.Length > 0 ? $" {entry.What}" : "";
        var from = entry.Transport is "unix" or "relay" ? "" : $" from {entry.Address}";
        var result = entry.Result == Ok ? Ok : $"{entry.Result}: {entry.Text}";
        var why = entry.Why.Length > 0 ? $"  ({entry.Why})" : "";
        yield return Printable.Clean($"{Units.Time(entry.Time)} #{entry.Sequence} {entry.Who}{from}  {entry.Method}{what}  {result}{why}");
        if (entry.Before.Length + entry.After.Length > 0)
        {
            var (before, after) = Differences(entry.Before, entry.After);
            yield return Printable.Clean($"{Indent}{before} -> {after}");
        }
    }

    // The words that only one of the two has; the rest stayed as it was.
    private static (string Before, string After) Differences(string before, string after)
    {
        var (old, now) = (before.Split(' '), after.Split(' '));
        return (Left(old.Except(now)), Left(now.Except(old)));

        static string Left(IEnumerable<string> words) => string.Join(' ', words) is { Length: > 0 } text ? text : Units.Unknown;
    }
}
