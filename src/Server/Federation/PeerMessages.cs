using System.Globalization;
using System.Text;
using System.Text.Json;
using Relay.Identity;

namespace Relay.Federation;

/// <summary>Our answer to a handshake, and the look at messages that follow one.</summary>
internal static class PeerMessages
{
    /// <summary>Our own fields, signed; everything between type and signature is what was signed, byte for byte.</summary>
    /// <param name="audience">The id of the peer that it is for.</param>
    public static byte[] Acknowledge(ServerIdentity identity, IdentityOptions options, string audience, TimeProvider time)
    {
        var text = new StringBuilder("{\"serverId\":");
        CanonicalJson.WriteString(text, identity.ServerId);
        text.Append(",\"nodeId\":");
        CanonicalJson.WriteString(text, identity.NodeId);
        text.Append(",\"endpoint\":");
        CanonicalJson.WriteString(text, options.PublicEndpoint);
        text.Append(",\"publicKey\":");
        CanonicalJson.WriteString(text, identity.PublicKeyBase64);
        text.Append(",\"metadata\":{");
        if (options.Region.Length > 0)
        {
            text.Append("\"region\":");
            CanonicalJson.WriteString(text, options.Region);
        }

        text.Append(CultureInfo.InvariantCulture, $"}},\"timestamp\":{time.GetUtcNow().ToUnixTimeMilliseconds()},\"audience\":");
        CanonicalJson.WriteString(text, audience);
        text.Append(",\"kind\":\"handshake_ack\"");
        var signature = Convert.ToBase64String(identity.Sign(Encoding.UTF8.GetBytes($"{text}}}")));
        return Encoding.UTF8.GetBytes($"{{\"type\":\"handshake_ack\",{text.Remove(0, 1)},\"signature\":\"{signature}\"}}");
    }

    /// <summary>True when the message is an object whose type is "gossip".</summary>
    public static bool IsGossip(ReadOnlySpan<byte> message)
    {
        try
        {
            var reader = new Utf8JsonReader(message);
            if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
            {
                return false;
            }

            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                var isType = reader.ValueTextEquals("type"u8);
                reader.Read();
                if (isType)
                {
                    return reader.TokenType == JsonTokenType.String && reader.ValueTextEquals("gossip"u8);
                }

                reader.Skip();
            }

            return false;
        }
        catch (JsonException)
        {
            return false;
        }
    }
}
