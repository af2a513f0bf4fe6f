using System.Text.Json.Serialization;

namespace Relay.Protocol;

// What the server says to clients, one line each; docs/protocol.md says when. Properties are written in the order given.

/// <summary>A refusal of one message; the socket stays.</summary>
internal sealed record ErrorMessage(string Message) : ServerMessage("error");

/// <summary>Too much of what others sent waits for the target; the message was not sent to it.</summary>
internal sealed record BusyError(string Message, string Code) : ServerMessage("error");

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

/// <summary>Redirects: the server that owns the code, where that is another; null, and not written, where it is not.</summary>
internal sealed record Registered(string PairingCode, string ServerId, IReadOnlyList<ServerRedirect>? Redirects = null) : ServerMessage("registered");

/// <summary>Another server, and where clients reach it.</summary>
internal sealed record ServerRedirect(string ServerId, string Endpoint);

internal sealed record CodeCollision(string Message) : ServerMessage("code_collision");

internal sealed record PairIncoming(string FromCode, string FromPublicKey, long ExpiresIn, string? ProposedName)
    : ServerMessage("pair_incoming");

internal sealed record PairError(string Error) : ServerMessage("pair_error");

internal sealed record PairExpiring(string PeerCode, long RemainingSeconds) : ServerMessage("pair_expiring");

internal sealed record PairTimeout(string PeerCode) : ServerMessage("pair_timeout");

internal sealed record PairMatched(string PeerCode, string PeerPublicKey, bool IsInitiator) : ServerMessage("pair_matched");

internal sealed record PairRejected(string PeerCode) : ServerMessage("pair_rejected");

internal sealed record Pong() : ServerMessage("pong");

// Relays.

/// <summary>A peer that offers to relay. Capacity is the share of its slots in use, 0 to 1.</summary>
internal sealed record RelayOffer(
    string PeerId, [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] string? PublicKey, double Capacity);

internal sealed record RegisteredPeer(string PeerId, string ServerId, IReadOnlyList<RelayOffer> Relays) : ServerMessage("registered");

internal sealed record RelayList(IReadOnlyList<RelayOffer> Relays) : ServerMessage("relays");

internal sealed record LoadUpdated(string PeerId, double ConnectedCount) : ServerMessage("load_updated");

/// <summary>Timestamp in epoch milliseconds.</summary>
internal sealed record HeartbeatAck(long Timestamp) : ServerMessage("heartbeat_ack");

// Device linking.

internal sealed record LinkRequested(string LinkCode, string PublicKey, string DeviceName, long ExpiresIn) : ServerMessage("link_request");

internal sealed record LinkError(string Error) : ServerMessage("link_error");

internal sealed record LinkMatched(
    string LinkCode, string PeerPublicKey, bool IsInitiator, string? WebClientCode, string? DeviceName, string? DeviceId)
    : ServerMessage("link_matched");

internal sealed record LinkRejected(string LinkCode) : ServerMessage("link_rejected");

internal sealed record LinkTimeout(string LinkCode) : ServerMessage("link_timeout");

// Rendezvous.

internal sealed record LiveMatch(string PeerId, string RelayId);

internal sealed record FoundDrop(string PeerId, string DeadDrop, string RelayId);

internal sealed record RendezvousResult(IReadOnlyList<LiveMatch> LiveMatches, IReadOnlyList<FoundDrop> DeadDrops)
    : ServerMessage("rendezvous_result");

/// <summary>The same where some points or tokens belong to other servers.</summary>
internal sealed record RendezvousPartial(RendezvousLocal Local, IReadOnlyList<RendezvousRedirect> Redirects) : ServerMessage("rendezvous_partial");

internal sealed record RendezvousLocal(IReadOnlyList<LiveMatch> LiveMatches, IReadOnlyList<FoundDrop> DeadDrops);

/// <summary>A server, and which points and tokens are to be registered there.</summary>
internal sealed record RendezvousRedirect(string ServerId, string Endpoint, IReadOnlyList<string> DailyPoints, IReadOnlyList<string> HourlyTokens);

internal sealed record RendezvousMatch(LiveMatch Match) : ServerMessage("rendezvous_match");

// Channels.

internal sealed record ChannelOwnerRegistered(string ChannelId) : ServerMessage("channel-owner-registered");

internal sealed record ChannelSubscribed(string ChannelId) : ServerMessage("channel-subscribed");

internal sealed record UpstreamForwarded(string ChannelId, RawJson Message, string EphemeralPublicKey) : ServerMessage("upstream-message");

internal sealed record UpstreamAck(string ChannelId, RawJson MessageId) : ServerMessage("upstream-ack");

internal sealed record StreamStarting(string StreamId, string ChannelId, string? Title) : ServerMessage("stream-start");

internal sealed record StreamStarted(string StreamId, string ChannelId, int SubscriberCount) : ServerMessage("stream-started");

internal sealed record StreamEnding(string StreamId, string ChannelId) : ServerMessage("stream-end");

internal sealed record StreamEnded(string StreamId, string ChannelId) : ServerMessage("stream-ended");

// Chunks.

internal sealed record ChunkAvailable(string ChannelId, IReadOnlyList<string> ChunkIds) : ServerMessage("chunk_available");

internal sealed record ChunkAnnounceAck(int Registered) : ServerMessage("chunk_announce_ack");

/// <summary>Source is "cache" or "relay".</summary>
internal sealed record ChunkContent(string ChunkId, string ChannelId, RawJson Data, string Source) : ServerMessage("chunk_data");

internal sealed record ChunkPulling(string ChunkId) : ServerMessage("chunk_pulling");

internal sealed record ChunkPull(string ChunkId, string ChannelId) : ServerMessage("chunk_pull");

internal sealed record ChunkPushAck(string ChunkId, bool Cached, int ServedCount) : ServerMessage("chunk_push_ack");

internal sealed record ChunkError(string ChunkId, string Error) : ServerMessage("chunk_error");

// Attestation.

/// <summary>An error that names its code: NOT_ATTESTED.</summary>
internal sealed record CodedError(string Code, string Message) : ServerMessage("error");

internal sealed record AttestChallenge(string Nonce, RawJson Regions) : ServerMessage("attest_challenge");

internal sealed record AttestSuccess([property: JsonPropertyName("session_token"), JsonIgnore(Condition = JsonIgnoreCondition.Never)] string? SessionToken)
    : ServerMessage("attest_success");

internal sealed record AttestFailed(string Message) : ServerMessage("attest_failed");

internal sealed record AttestError(string Message) : ServerMessage("attest_error");

/// <summary>What every message of ours begins with.</summary>
internal abstract record ServerMessage([property: JsonPropertyOrder(-1)] string Type);

/// <summary>Writers for the records above, made by the compiler.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(ErrorMessage))]
[JsonSerializable(typeof(BusyError))]
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
[JsonSerializable(typeof(RegisteredPeer))]
[JsonSerializable(typeof(RelayList))]
[JsonSerializable(typeof(LoadUpdated))]
[JsonSerializable(typeof(HeartbeatAck))]
[JsonSerializable(typeof(LinkRequested))]
[JsonSerializable(typeof(LinkError))]
[JsonSerializable(typeof(LinkMatched))]
[JsonSerializable(typeof(LinkRejected))]
[JsonSerializable(typeof(LinkTimeout))]
[JsonSerializable(typeof(RendezvousResult))]
[JsonSerializable(typeof(RendezvousMatch))]
[JsonSerializable(typeof(RendezvousPartial))]
[JsonSerializable(typeof(ChannelOwnerRegistered))]
[JsonSerializable(typeof(ChannelSubscribed))]
[JsonSerializable(typeof(UpstreamForwarded))]
[JsonSerializable(typeof(UpstreamAck))]
[JsonSerializable(typeof(StreamStarting))]
[JsonSerializable(typeof(StreamStarted))]
[JsonSerializable(typeof(StreamEnding))]
[JsonSerializable(typeof(StreamEnded))]
[JsonSerializable(typeof(ChunkAvailable))]
[JsonSerializable(typeof(ChunkAnnounceAck))]
[JsonSerializable(typeof(ChunkContent))]
[JsonSerializable(typeof(ChunkPulling))]
[JsonSerializable(typeof(ChunkPull))]
[JsonSerializable(typeof(ChunkPushAck))]
[JsonSerializable(typeof(ChunkError))]
[JsonSerializable(typeof(CodedError))]
[JsonSerializable(typeof(AttestChallenge))]
[JsonSerializable(typeof(AttestSuccess))]
[JsonSerializable(typeof(AttestFailed))]
[JsonSerializable(typeof(AttestError))]
internal sealed partial class ServerJson : JsonSerializerContext;
