using System.Text.Json;
using System.Text.Unicode;
using Relay.Identity;

namespace Relay.Federation.Gossip;

/// <summary>Reads gossip messages of peers: the shape and the sender first, then the signature. Pure; safe from any thread.</summary>
internal static class GossipReader
{
    /// <summary>The largest message in bytes that is read.</summary>
    public const int MaxBytes = 256 * 1024;

    // Only a state_sync has reason to be long; the rest is refused before its signature costs us anything.
    private const int MaxShortBytes = 16 * 1024;
    private const int MaxRegionChars = 128;

    private static readonly JsonDocumentOptions Options = new() { MaxDepth = 8 };
    private static readonly string[] Unsigned = ["signature"];

    /// <summary>Reads a message and verifies it.</summary>
    /// <param name="serverId">Of the link that it came by.</param>
    /// <param name="now">Our clock.</param>
    /// <param name="freshness">How far the timestamp may be from our clock, either way.</param>
    /// <param name="message">Null unless the result is <see cref="GossipError.None"/>.</param>
    public static GossipError Read(ReadOnlyMemory<byte> frame, string serverId, DateTimeOffset now, TimeSpan freshness, out GossipMessage? message)
    {
        message = null;
        if (frame.Length > MaxBytes || !Utf8.IsValid(frame.Span))
        {
            return GossipError.Malformed;
        }

        try
        {
            using var document = JsonDocument.Parse(frame, Options);
            var root = document.RootElement;
            if (root.ValueKind != JsonValueKind.Object)
            {
                return GossipError.Malformed;
            }

            return Json.Text(root, "type") == "gossip" ? ReadEnvelope(frame.Span, root, serverId, now, freshness, out message) : GossipError.NotGossip;
        }
        catch (JsonException)
        {
            return GossipError.Malformed;
        }
    }

    private static GossipError ReadEnvelope(
        ReadOnlySpan<byte> frame, JsonElement root, string serverId, DateTimeOffset now, TimeSpan freshness, out GossipMessage? message)
    {
        message = null;
        var subtype = Json.Text(root, "subtype");
        if ((frame.Length > MaxShortBytes && subtype != "state_sync") || !ServerId.TryParse(Json.Text(root, "senderId"), out var key))
        {
            return GossipError.Malformed;
        }

        if (ServerId.Format(key) != serverId)
        {
            return GossipError.WrongSender;
        }

        if (Math.Abs((double)Json.Number(root, "timestamp") - now.ToUnixTimeMilliseconds()) > freshness.TotalMilliseconds)
        {
            return GossipError.Stale;
        }

        if (ReadBody(subtype, Json.Property(root, "payload")) is not { } body)
        {
            return GossipError.UnknownSubtype;
        }

        if (!CanonicalJson.TryWriteObject(frame, Unsigned, out var signed))
        {
            return GossipError.Malformed;
        }

        Span<byte> signature = stackalloc byte[Ed25519.SignatureBytes];
        if (!Convert.TryFromBase64String(Json.Text(root, "signature"), signature, out var length)
            || length != signature.Length
            || !ServerIdentity.Verify(key, signed, signature))
        {
            return GossipError.BadSignature;
        }

        message = new GossipMessage(serverId, Json.Number(root, "sequenceNumber"), body, ReadMentions(Json.Property(root, "piggyback")));
        return GossipError.None;
    }

    private static GossipBody? ReadBody(string subtype, JsonElement payload) => subtype switch
    {
        "ping" => new Ping(),
        "ping_ack" => new PingAck(Json.Number(payload, "incarnation"), Json.Text(payload, "targetServerId") is { Length: > 0 } target ? target : null),
        "ping_req" => new PingRequest(Json.Text(payload, "targetServerId"), Json.Property(payload, "report").ValueKind == JsonValueKind.True),
        "join" => new Join(
            Json.Text(payload, "serverId"), Json.Text(payload, "nodeId"), Json.Text(payload, "endpoint"), Json.Text(payload, "publicKey"), Region(payload)),
        "leave" => new Leave(Json.Text(payload, "serverId")),
        "suspect" => new Suspicion(Json.Text(payload, "serverId"), Json.Number(payload, "incarnation")),
        "confirm" => new Confirmation(Json.Text(payload, "serverId")),
        "state_sync" => new StateSync(ReadMembers(Json.Property(payload, "members"))),
        _ => null,
    };

    // What is wrong in one entry is the fault of whoever it came from first, seldom of who passes it on: the others are read.
    private static List<MemberRecord> ReadMembers(JsonElement list) =>
    [
        .. from member in Json.Objects(list, GossipLimits.MaxMembers)
           select new MemberRecord(
               Json.Text(member, "serverId"),
               Json.Text(member, "nodeId"),
               Json.Text(member, "endpoint"),
               Json.Text(member, "publicKey"),
               MemberStates.Parse(Json.Text(member, "status")),
               Json.Number(member, "incarnation"),
               Json.Number(member, "lastSeen"),
               Region(member)),
    ];

    private static List<Mention> ReadMentions(JsonElement list) =>
    [
        .. from mention in Json.Objects(list, GossipLimits.MaxMentions)
           select new Mention(
               Json.Text(mention, "serverId"),
               MemberStates.Parse(Json.Text(mention, "status")),
               Json.Number(mention, "incarnation"),
               Json.Text(mention, "endpoint"),
               Json.Text(mention, "nodeId")),
    ];

    private static string Region(JsonElement owner) =>
        Json.Text(Json.Property(owner, "metadata"), "region") is { Length: <= MaxRegionChars } region && !region.Any(char.IsControl) ? region : "";
}

/// <summary>Why a message is not gossip that counts.</summary>
internal enum GossipError
{
    None,

    /// <summary>It is a message of another type.</summary>
    NotGossip,

    Malformed,

    /// <summary>Gossip of a kind that is not known; it is ignored.</summary>
    UnknownSubtype,

    /// <summary>It names another sender than the link's server.</summary>
    WrongSender,

    /// <summary>Its timestamp is too far from our clock.</summary>
    Stale,

    BadSignature,
}
