using System.Text.Json;
using System.Text.Json.Serialization;

namespace Relay.Policy;

/// <summary>
/// The policy file as it is written. People may edit it: one line an item, times in RFC 3339. The generated reader gives what
/// has no setter null where the file does not have it, whatever its initializer says.
/// </summary>
internal sealed record PolicyDocument(int Format, long Revision, DateTimeOffset SavedAt, string SavedBy)
{
    public const int CurrentFormat = 1;

    /// <summary>What `limits save` wrote; null: never saved, the settings hold.</summary>
    public Dictionary<string, string>? Items { get; set; }

    /// <summary>What was in force when this was written; null: the same as <see cref="Items"/>. Only the history is made from it.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public Dictionary<string, string>? Running { get; set; }

    /// <summary>Changes that are in force for a time, and what they are taken back to.</summary>
    public List<PendingEntry> Pending { get; set; } = [];

    public List<HistoryEntry> History { get; set; } = [];

    internal sealed record PendingEntry(long Revision, DateTimeOffset Due, bool NeedsConfirmation, List<PolicyDifference> Changes);

    internal sealed record HistoryEntry(long Revision, DateTimeOffset Time, string Who, string Reason, List<PolicyDifference> Changes);
}

[JsonSourceGenerationOptions(
    WriteIndented = true,
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    AllowDuplicateProperties = false,
    ReadCommentHandling = JsonCommentHandling.Skip,
    AllowTrailingCommas = true,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow)]
[JsonSerializable(typeof(PolicyDocument))]
[JsonSerializable(typeof(string))]
internal sealed partial class PolicyJson : JsonSerializerContext;
