using System.Text.Json;
using System.Text.Json.Serialization;

namespace Relay.Admission;

/// <summary>The policy file as it is written. People may edit it: one line an item, times in RFC 3339.</summary>
internal sealed record PolicyDocument(int Format, long Revision, DateTimeOffset SavedAt, string SavedBy)
{
    public const int CurrentFormat = 1;

    /// <summary>What `limits save` wrote; null: never saved, the settings hold.</summary>
    public Dictionary<string, string>? Items { get; init; }

    /// <summary>Changes that are in force for a time, and what they are taken back to.</summary>
    public List<PendingEntry> Pending { get; init; } = [];

    public List<HistoryEntry> History { get; init; } = [];

    internal sealed record PendingEntry(long Revision, DateTimeOffset Due, bool NeedsConfirmation, List<PolicyDifference> Changes);

    internal sealed record HistoryEntry(long Revision, DateTimeOffset Time, string Who, string Reason, List<PolicyDifference> Changes);
}

[JsonSourceGenerationOptions(
    WriteIndented = true,
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    ReadCommentHandling = JsonCommentHandling.Skip,
    AllowTrailingCommas = true,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow)]
[JsonSerializable(typeof(PolicyDocument))]
[JsonSerializable(typeof(string))]
internal sealed partial class PolicyJson : JsonSerializerContext;
