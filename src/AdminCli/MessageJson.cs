using System.Text.Json.Nodes;
using Google.Protobuf;
using Google.Protobuf.Reflection;

namespace Relay.AdminCli;

/// <summary>
/// Messages as protobuf's JSON with every field present, except that 64-bit integers are numbers and not texts, so that jq and
/// scripts can calculate with them. Times stay RFC 3339, durations "1.5s".
/// </summary>
internal static class MessageJson
{
    private static readonly JsonFormatter Formatter = new(JsonFormatter.Settings.Default.WithFormatDefaultValues(true));

    public static JsonObject Of(IMessage message)
    {
        var node = JsonNode.Parse(Formatter.Format(message))!.AsObject();
        Convert(node, message.Descriptor);
        return node;
    }

    /// <summary>
    /// The fields that an object of this message has, those inside others as "outer.inner", whatever is set in the one at hand: lists and maps are not
    /// taken apart.
    /// </summary>
    public static IReadOnlyList<string> Columns(MessageDescriptor message) => [.. message.Fields.InDeclarationOrder().SelectMany(static field =>
        field is { FieldType: FieldType.Message, IsRepeated: false } && !field.MessageType.File.Name.StartsWith("google/protobuf/", StringComparison.Ordinal)
            ? Columns(field.MessageType).Select(inner => $"{field.JsonName}{CsvWriter.Dot}{inner}")
            : [field.JsonName])];

    private static void Convert(JsonObject node, MessageDescriptor message)
    {
        foreach (var field in message.Fields.InDeclarationOrder())
        {
            switch (node[field.JsonName])
            {
                case JsonObject map when field.IsMap:
                    var value = field.MessageType.FindFieldByNumber(2);
                    foreach (var (_, each) in map.ToArray())
                    {
                        Convert(each!, value);
                    }

                    break;
                case JsonArray list:
                    foreach (var each in list.ToArray())
                    {
                        Convert(each!, field);
                    }

                    break;
                case { } single:
                    Convert(single, field);
                    break;
            }
        }
    }

    private static void Convert(JsonNode node, FieldDescriptor field)
    {
        if (field.FieldType is FieldType.Int64 or FieldType.UInt64 or FieldType.SInt64 or FieldType.Fixed64 or FieldType.SFixed64)
        {
            var number = JsonNode.Parse(node.GetValue<string>());
            if (node.Parent is JsonArray list)
            {
                list[node.GetElementIndex()] = number;
            }
            else
            {
                node.Parent!.AsObject()[node.GetPropertyName()] = number;
            }
        }
        else if (node is JsonObject child)
        {
            Convert(child, field.MessageType);
        }
    }
}
