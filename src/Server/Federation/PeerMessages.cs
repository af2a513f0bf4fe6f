using System.Globalization;
using System.Text;
using Relay.Identity;

namespace Relay.Federation;

/// <summary>Our handshake, and our answer to one.</summary>
internal static class PeerMessages
{
    /// <summary>The answer to a handshake.</summary>
    /// <param name="audience">The id of the peer that it is for.</param>
    public static byte[] Acknowledge(ServerIdentity identity, IdentityOptions options, string audience, TimeProvider time) =>
        Write(PeerHandshake.AnswerTypeName, identity, options, audience, time);

    /// <summary>Our handshake, to a server that we have dialled.</summary>
    /// <param name="audience">The id of the server; null: it is not known.</param>
    public static byte[] SendHandshake(ServerIdentity identity, IdentityOptions options, string? audience, TimeProvider time) =>
        Write(PeerHandshake.TypeName, identity, options, audience, time);

    // Our own fields, signed; everything between type and signature is what was signed, byte for byte.
    private static byte[] Write(string type, ServerIdentity identity, IdentityOptions options, string? audience, TimeProvider time)
    {
        var text = new StringBuilder("{\"serverId\":");
        CanonicalJson.WriteString(text, identity.ServerId);
        text.Append(",\"nodeId\":");
        CanonicalJson.WriteString(text, identity.NodeId);
        text.Append(",\"endpoint\":");
        CanonicalJson.WriteString(text, options.Endpoint);
        text.Append(",\"publicKey\":");
        CanonicalJson.WriteString(text, identity.PublicKeyBase64);
        text.Append(",\"metadata\":{");
        if (options.Region.Length > 0)
        {
            text.Append("\"region\":");
            CanonicalJson.WriteString(text, options.Region);
        }

        text.Append(CultureInfo.InvariantCulture, $"}},\"timestamp\":{time.GetUtcNow().ToUnixTimeMilliseconds()}");
        if (audience is not null)
        {
            text.Append(",\"audience\":");
            CanonicalJson.WriteString(text, audience);
        }

        text.Append(",\"kind\":");
        CanonicalJson.WriteString(text, type);
        var signature = Convert.ToBase64String(identity.Sign(Encoding.UTF8.GetBytes($"{text}}}")));
        return Encoding.UTF8.GetBytes($"{{\"type\":\"{type}\",{text.Remove(0, 1)},\"signature\":\"{signature}\"}}");
    }
}
