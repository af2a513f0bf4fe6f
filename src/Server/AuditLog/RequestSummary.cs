using System.Collections;
using System.Globalization;
using Google.Protobuf;
using Google.Protobuf.Reflection;

namespace Relay.AuditLog;

/// <summary>A message of the admin contract in one short line, "total=100 per_ip=5": what is not given is omitted.</summary>
internal static class RequestSummary
{
    private const string Reason = "reason";
    private const string Options = "options";

    // A pairing code lets its reader reach its holder.
    private const string Secret = "pairing_code";

    private const int MaxLength = 1024;
    private const int MaxElements = 10;

    /// <summary>Everything but the reason, which has a field of its own in the audit log.</summary>
    public static string Of(IMessage message) => Truncate(Fields(message));

    /// <summary>The reason that a request gives, itself or in the options that it has in common with others.</summary>
    public static string? ReasonOf(IMessage request) =>
        request.Descriptor.FindFieldByName(Reason)?.Accessor.GetValue(request) is string { Length: > 0 } reason ? Truncate(reason)
        : request.Descriptor.FindFieldByName(Options)?.Accessor.GetValue(request) is IMessage options ? ReasonOf(options)
        : null;

    private static string Fields(IMessage message) => string.Join(' ', message.Descriptor.Fields.InDeclarationOrder()
        .Where(field => field.Name != Reason && IsGiven(field, message))
        .Select(field => $"{field.Name}={(field.Name == Secret ? "(hidden)" : Value(field.Accessor.GetValue(message)))}"));

    private static bool IsGiven(FieldDescriptor field, IMessage message) =>
        field.HasPresence ? field.Accessor.HasValue(message) : field.Accessor.GetValue(message) switch
        {
            ICollection list => list.Count > 0,
            string text => text.Length > 0,
            bool truth => truth,
            Enum choice => Convert.ToInt32(choice, CultureInfo.InvariantCulture) != 0,
            var number => !number.Equals(Convert.ChangeType(0, number.GetType(), CultureInfo.InvariantCulture)),
        };

    private static string Value(object value) => value switch
    {
        string text => text.Length > 0 && !text.Any(c => char.IsWhiteSpace(c) || c is '"' or '{' or '[') ? text : $"\"{text}\"",
        bool truth => truth ? "true" : "false",
        Google.Protobuf.WellKnownTypes.Timestamp or Google.Protobuf.WellKnownTypes.Duration => $"{value}".Trim('"'),
        IMessage inner => $"{{{Fields(inner)}}}",
        IDictionary map => $"{{{Entries(map)}}}",
        IEnumerable list => $"[{Elements(list)}]",
        _ => Convert.ToString(value, CultureInfo.InvariantCulture) ?? "",
    };

    private static string Elements(IEnumerable list)
    {
        var elements = list.Cast<object>().ToArray();
        return string.Join(", ", elements.Take(MaxElements).Select(Value)) + (elements.Length > MaxElements ? $" and {elements.Length - MaxElements} more" : "");
    }

    private static string Entries(IDictionary map) =>
        string.Join(' ', map.Keys.Cast<object>().Take(MaxElements).Select(key => $"{key}={Value(map[key]!)}"))
            + (map.Count > MaxElements ? $" and {map.Count - MaxElements} more" : "");

    private static string Truncate(string text) => text.Length <= MaxLength ? text : string.Concat(text.AsSpan(0, MaxLength), "…");
}
