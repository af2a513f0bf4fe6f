using System.Text.Json.Serialization;
using Relay.Protocol;

namespace Relay.Attestation;

// What is said between the relay and the authority.

/// <summary>To /attest/challenge. There are authorities that go by the token and some that go by the version it names.</summary>
internal sealed record ChallengeQuestion(string BuildToken, string DeviceId, string? BuildVersion);

/// <summary>To /attest/verify. The responses are the client's, as they came.</summary>
internal sealed record VerifyQuestion(string DeviceId, string Nonce, RawJson Responses);

/// <summary>What a client must prove: the regions of its program, as JSON, keyed with the nonce.</summary>
internal sealed record Challenge(string Nonce, string Regions);

/// <summary>Whether a client is attested, and the token that it gets for that.</summary>
internal sealed record Verdict(bool IsValid, string? SessionToken);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(ChallengeQuestion))]
[JsonSerializable(typeof(VerifyQuestion))]
internal sealed partial class AuthorityJson : JsonSerializerContext;
