using System.Text.Json.Serialization;

namespace Relay.Http;

/// <summary>A rejected upgrade.</summary>
internal sealed record AdminFeedError(bool Success, string Error);

/// <summary>What a page asks for; anything else in it is ignored.</summary>
internal sealed record FeedRequest(string? Type);

/// <summary>What a page is sent.</summary>
internal readonly record struct FeedMessage<T>(string Type, T Data);

/// <param name="Timestamp">Milliseconds since the Unix epoch.</param>
internal sealed record FeedMetricsData(long Timestamp, FeedConnections Connections, FeedEntropy Entropy, FeedMembers Federation, FeedRate MessageRate);

internal readonly record struct FeedConnections(long Total, long Relay, long Signaling);

internal readonly record struct FeedEntropy(long ActiveCodes, long PeakActiveCodes, string CollisionRisk, long CollisionAttempts);

/// <summary>The servers of the federation, this one among them.</summary>
internal readonly record struct FeedMembers(int AliveMembers, int SuspectMembers, int TotalMembers, IReadOnlyDictionary<string, int> Regions);

internal readonly record struct FeedRate(double PerSecond, long PerMinute);

internal sealed record FeedFederationData(IReadOnlyList<FeedNode> Nodes, IReadOnlyList<FeedEdge> Edges);

internal readonly record struct FeedNode(string Id, string Region, string Status, bool IsLocal);

internal readonly record struct FeedEdge(string Source, string Target);

/// <param name="Level">"warning" or "error".</param>
internal readonly record struct FeedAlertData(string Level, string Message);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(AdminFeedError))]
[JsonSerializable(typeof(FeedRequest))]
[JsonSerializable(typeof(FeedMessage<FeedMetricsData>), TypeInfoPropertyName = "Metrics")]
[JsonSerializable(typeof(FeedMessage<FeedFederationData>), TypeInfoPropertyName = "Federation")]
[JsonSerializable(typeof(FeedMessage<FeedAlertData>), TypeInfoPropertyName = "Alert")]
internal sealed partial class AdminFeedJson : JsonSerializerContext;
