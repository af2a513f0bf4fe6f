using System.Text.Json;

namespace Relay.Protocol;

/// <summary>A field that a message is checked for before its handler sees it.</summary>
internal readonly record struct MessageField(string Name, FieldKind Kind)
{
    public static MessageField String(string name) => new(name, FieldKind.String);

    public static MessageField OptionalString(string name) => new(name, FieldKind.OptionalString);

    public static MessageField Boolean(string name) => new(name, FieldKind.Boolean);

    public static MessageField Array(string name) => new(name, FieldKind.Array);
}

/// <summary>What a field may be: how an error names it, and which values pass.</summary>
internal sealed record FieldKind(string Article, Func<JsonValue, bool> Accepts)
{
    public static readonly FieldKind String = new("a string", value => value.IsText);

    /// <summary>A string, null or nothing: the socket's own identity stands in for it.</summary>
    public static readonly FieldKind OptionalString =
        new("a string", value => value.IsText || value.ValueKind is JsonValueKind.Null or JsonValueKind.Undefined);

    public static readonly FieldKind Boolean = new("a boolean", value => value.ValueKind is JsonValueKind.True or JsonValueKind.False);

    public static readonly FieldKind Array = new("an array", value => value.ValueKind == JsonValueKind.Array);
}
