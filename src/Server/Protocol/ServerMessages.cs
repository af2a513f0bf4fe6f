using System.Text.Json.Serialization;

namespace Relay.Protocol;

// What the server says to clients, one line each; docs/protocol.md tells when. Properties are written in the order given.

/// <summary>A refusal of one message; the socket stays.</summary>
internal sealed record ErrorMessage(string Message) : ServerMessage("error");

/// <summary>First message on every client socket.</summary>
internal sealed record ServerInfo(
    string ServerId, string Endpoint, [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] string? Region)
    : ServerMessage("server_info");

/// <summary>Second message: proof that the server holds its key. Key, nonce and signature in base64.</summary>
internal sealed record ServerIdentityMessage(
    [property: JsonPropertyName("public_key")] string PublicKey,
    string Nonce,
    string Signature,
    long Timestamp,
    string Binding) : ServerMessage("server_identity");

internal sealed record Registered(string PairingCode, string ServerId) : ServerMessage("registered");

internal sealed record CodeCollision(string Message) : ServerMessage("code_collision");

internal sealed record PairIncoming(string FromCode, string FromPublicKey, long ExpiresIn, string? ProposedName)
    : ServerMessage("pair_incoming");

internal sealed record PairError(string Error) : ServerMessage("pair_error");

internal sealed record PairExpiring(string PeerCode, long RemainingSeconds) : ServerMessage("pair_expiring");

internal sealed record PairTimeout(string PeerCode) : ServerMessage("pair_timeout");

internal sealed record PairMatched(string PeerCode, string PeerPublicKey, bool IsInitiator) : ServerMessage("pair_matched");

internal sealed record PairRejected(string PeerCode) : ServerMessage("pair_rejected");

internal sealed record Pong() : ServerMessage("pong");

/// <summary>What every message of ours begins with.</summary>
internal abstract record ServerMessage([property: JsonPropertyOrder(-1)] string Type);

/// <summary>Writers for the records above, made by the compiler.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(ErrorMessage))]
[JsonSerializable(typeof(ServerInfo))]
[JsonSerializable(typeof(ServerIdentityMessage))]
[JsonSerializable(typeof(Registered))]
[JsonSerializable(typeof(CodeCollision))]
[JsonSerializable(typeof(PairIncoming))]
[JsonSerializable(typeof(PairError))]
[JsonSerializable(typeof(PairExpiring))]
[JsonSerializable(typeof(PairTimeout))]
[JsonSerializable(typeof(PairMatched))]
[JsonSerializable(typeof(PairRejected))]
[JsonSerializable(typeof(Pong))]
internal sealed partial class ServerJson : JsonSerializerContext;
