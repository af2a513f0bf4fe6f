using System.Text;
using System.Text.Json.Nodes;
using Relay.Federation;
using Relay.Identity;

namespace Server.Tests.Federation;

/// <summary>Another server, as far as its handshakes go: a good one, and that one with fields changed before or after signing.</summary>
internal sealed class PeerSigner : IDisposable
{
    public PeerSigner(byte first = 0) => Identity = new ServerIdentity([.. Enumerable.Range(first, 32).Select(i => (byte)i)]);

    public ServerIdentity Identity { get; }

    public string ServerId => Identity.ServerId;

    public byte[] Handshake(
        DateTimeOffset at, Action<JsonObject>? beforeSigning = null, Action<JsonObject>? afterSigning = null)
    {
        var fields = new JsonObject
        {
            ["type"] = "handshake",
            ["serverId"] = ServerId,
            ["nodeId"] = Identity.NodeId,
            ["endpoint"] = "wss://a.example",
            ["publicKey"] = Identity.PublicKeyBase64,
            ["metadata"] = new JsonObject { ["region"] = "eu" },
            ["timestamp"] = at.ToUnixTimeMilliseconds(),
        };
        beforeSigning?.Invoke(fields);
        CanonicalJson.TryWriteObject(Encoding.UTF8.GetBytes(fields.ToJsonString()), ["type", "signature"], out var signed);
        fields["signature"] = Convert.ToBase64String(Identity.Sign(signed));
        afterSigning?.Invoke(fields);
        return Encoding.UTF8.GetBytes(fields.ToJsonString());
    }

    public void Dispose() => Identity.Dispose();
}
