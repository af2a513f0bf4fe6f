using System.Text.Json.Serialization;

namespace Relay.Federation;

/// <summary>The first message of a peer server, as it stands in the JSON.</summary>
internal sealed record HandshakeMessage(
    string Type,
    string ServerId,
    string NodeId,
    string Endpoint,
    string PublicKey,
    long Timestamp,
    string Signature,
    PeerMetadata? Metadata = null)
{
    public string? Audience { get; init; }

    public string? Kind { get; init; }
}

/// <summary>Metadata of a peer server; fields beside the region are allowed and signed too.</summary>
internal sealed record PeerMetadata(string? Region = null);

/// <summary>Reader of the record above.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(HandshakeMessage))]
[JsonSerializable(typeof(PeerPages))]
internal sealed partial class PeerJson : JsonSerializerContext;
