using System.Text.Json;
using Relay.Identity;
using Relay.Protocol;

namespace Relay.Federation;

/// <summary>
/// A handshake whose shape is right and whose names all follow from one key. Whether it was signed with that key is
/// still to be seen: <see cref="IsSigned"/>.
/// </summary>
internal sealed class PeerHandshake
{
    /// <summary>Its type, and its kind.</summary>
    public const string TypeName = "handshake";

    /// <summary>The type and the kind of the answer to one.</summary>
    public const string AnswerTypeName = "handshake_ack";

    private const int MaxBytes = 16 * 1024;
    private const int MaxEndpointChars = 512;
    private const int MaxRegionChars = 128;

    // Milliseconds that a DateTimeOffset can still hold with a day to spare either way: the year 9999.
    private const long MaxTimestamp = 253_402_200_000_000;

    private static readonly string[] Unsigned = ["type", "signature"];

    private readonly byte[] _signedBytes;

    private PeerHandshake(HandshakeMessage message, byte[] publicKey, byte[] signature, byte[] signedBytes)
    {
        // Not the text that came: one key may be written in two ways.
        ServerId = Identity.ServerId.Format(publicKey);
        PublicKey = publicKey;
        Signature = signature;
        Endpoint = message.Endpoint;
        Region = message.Metadata?.Region ?? "";
        (Audience, Kind) = (message.Audience, message.Kind);
        SignedAt = DateTimeOffset.FromUnixTimeMilliseconds(message.Timestamp);
        _signedBytes = signedBytes;
    }

    public string ServerId { get; }

    public byte[] PublicKey { get; }

    public byte[] Signature { get; }

    public string Endpoint { get; }

    /// <summary>Empty when the peer names none.</summary>
    public string Region { get; }

    /// <summary>The id of the server that it is meant for; null when it does not say.</summary>
    public string? Audience { get; }

    /// <summary>Its type as far as it is signed; null when it does not say.</summary>
    public string? Kind { get; }

    public DateTimeOffset SignedAt { get; }

    public bool IsSigned => ServerIdentity.Verify(PublicKey, _signedBytes, Signature);

    /// <param name="bytes">The message.</param>
    /// <param name="handshake">What it says; null when its shape is wrong.</param>
    /// <param name="type">Its type: a handshake, or the answer to one.</param>
    public static CloseReason TryParse(ReadOnlySpan<byte> bytes, out PeerHandshake? handshake, string type = TypeName)
    {
        handshake = null;
        if (bytes.Length > MaxBytes
            || !CanonicalJson.TryWriteObject(bytes, Unsigned, out var signedBytes)
            || Read(bytes, type) is not { } message
            || !TryReadSignature(message.Signature, out var signature)
            || !Identity.ServerId.TryParse(message.ServerId, out var key)
            || message.PublicKey != Convert.ToBase64String(key)
            || message.NodeId != Identity.ServerId.NodeId(key))
        {
            return CloseReason.HandshakeInvalid;
        }

        handshake = new PeerHandshake(message, key, signature, signedBytes);
        return CloseReason.None;
    }

    private static HandshakeMessage? Read(ReadOnlySpan<byte> bytes, string type)
    {
        try
        {
            var message = JsonSerializer.Deserialize(bytes, PeerJson.Default.HandshakeMessage);
            return message is { Timestamp: >= 0 and <= MaxTimestamp }
                && message.Type == type
                && IsEndpoint(message.Endpoint)
                && IsPlain(message.Metadata?.Region ?? "", MaxRegionChars)
                ? message
                : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static bool IsEndpoint(string text) =>
        IsPlain(text, MaxEndpointChars)
        && Uri.TryCreate(text, UriKind.Absolute, out var uri)
        && uri.Scheme is ("ws" or "wss");

    // Both texts are shown to operators.
    private static bool IsPlain(string text, int maxChars) => text.Length <= maxChars && !text.Any(char.IsControl);

    private static bool TryReadSignature(string text, out byte[] signature)
    {
        signature = new byte[Ed25519.SignatureBytes];
        return Convert.TryFromBase64String(text, signature, out var length)
            && length == signature.Length
            && Convert.ToBase64String(signature) == text;
    }
}
