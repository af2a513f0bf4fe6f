using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Relay.Addresses;
using Relay.Federation;
using Relay.Federation.Gossip;
using Relay.Protocol;
using Server.Tests.Federation;

namespace Server.Tests.Fuzz;

/// <summary>
/// Handshakes of peer servers: nothing is accepted but what was signed, once; and the canonical text of what can be read is read as
/// the same, and is its own canonical text.
/// </summary>
internal static class PeerFuzz
{
    private static readonly DateTimeOffset Now = new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);
    private static readonly FixedTime Time = new();
    private static readonly PeerSigner Us = new(first: 100);
    private static readonly FederationOptions Options = new() { Admit = FederationAdmit.Any };
    private static readonly IpKey Address = IpKey.FromIpv4(0x0A000001);
    private static readonly string[] Unsigned = ["type", "signature"];

    private static readonly byte[][] Signed = Sign();
    private static readonly HashSet<string> SignedTexts = [.. Signed.Select(Canonical)];

    private static readonly string[] Values =
        ["1", "-0", "1e3", "0.1", "1e21", "1e-7", "123456789012345678", "\"\\ud800\"", "\"\\u0041\\/\"", "\"\u00E2\u0082\u00AC\"", "true", "null", "{}", "[]", "[1,[2,{\"a\":\"b\"}]]", "{\"2\":1,\"1\":2,\"x\":3}"];

    public static readonly FuzzTarget Target = new(
        "peer handshakes",
        Try,
        Signed,
        FuzzTarget.Bytes(["{", "}", "[", "]", ",", ":", "\"", "\\", "\\u0065", " ", "0", "1", "\"type\":\"handshake\",", "\"x\":1,", "\"kind\":\"handshake_ack\",", "\"timestamp\":1e3,", .. Values]),
        Grow);

    private static byte[][] Sign()
    {
        using var peer = new PeerSigner();
        using var other = new PeerSigner(first: 7);
        return
        [
            peer.Handshake(Now),
            peer.Handshake(Now, fields => (fields["audience"], fields["kind"]) = (Us.ServerId, "handshake")),
            peer.Handshake(Now, fields => fields["audience"] = other.ServerId),
            peer.Handshake(Now, fields => fields["metadata"] = new JsonObject { ["region"] = "\u00E9\u20AC\uD83D\uDE00", ["10"] = 1, ["9"] = 1.5e-9 }),
            other.Handshake(Now.AddMinutes(4)),
            other.Handshake(Now.AddMinutes(6)),
            other.Handshake(Now),
            other.Handshake(Now, afterSigning: fields => fields["serverId"] = peer.ServerId),
            Us.Handshake(Now),
        ];
    }

    // A signed one with a field more, less or another, or in another spelling.
    private static void Grow(FuzzInputs random)
    {
        var fields = JsonNode.Parse(random.Any<byte[]>(Signed))!.AsObject().ToList();
        var change = random.Below(4);
        random.Append("{");
        for (var i = 0; i < fields.Count; i++)
        {
            random.Append(i > 0 ? "," : "");
            random.Append(random.Any<string>(["", "", "", " "]));
            random.Append(JsonSerializer.Serialize(fields[i].Key));
            random.Append(":");
            random.Append(change == 0 && random.Below(6) == 0
                ? random.Any<string>(Values)
                : Encoding.Latin1.GetString(Encoding.UTF8.GetBytes(fields[i].Value?.ToJsonString() ?? "null")));
        }

        random.Append(change == 1 ? $",\"more\":{random.Any<string>(Values)}}}" : "}");
    }

    private static string Try(ReadOnlySpan<byte> input, FuzzInputs random)
    {
        var bytes = input.ToArray();
        CheckGossip(bytes);
        if (!TryCheckCanonical(bytes) && random.Below(8) > 0)
        {
            // Nothing that could be accepted: only now and then worth the exceptions of a second reading.
            return "no object";
        }

        var verifier = new HandshakeVerifier(Options, Us.Identity, new ReplayCache(Options, Time), Time);
        var verdict = verifier.Verify(bytes, Address, out var handshake);
        if (verdict == CloseReason.None)
        {
            FuzzTarget.Promise(SignedTexts.Contains(Canonical(bytes)), "nobody has signed what was accepted");
            FuzzTarget.Promise(handshake is { ServerId.Length: > 0 } && handshake.ServerId != Us.ServerId, "accepted without a name, or with ours");
            FuzzTarget.Promise(verifier.Verify(bytes, Address, out _) == CloseReason.HandshakeReplayed, "accepted twice");
        }

        return $"{verdict}";
    }

    private static string Canonical(byte[] bytes) =>
        CanonicalJson.TryWriteObject(bytes, Unsigned, out var canonical) ? Encoding.UTF8.GetString(canonical) : "";

    private static bool TryCheckCanonical(byte[] bytes)
    {
        if (!CanonicalJson.TryWriteObject(bytes, [], out var canonical))
        {
            FuzzTarget.Promise(canonical.Length == 0, "there is a text of what cannot be read");
            return false;
        }

        FuzzTarget.Promise(
            CanonicalJson.TryWriteObject(canonical, [], out var again) && again.AsSpan().SequenceEqual(canonical),
            $"the canonical text {Encoding.UTF8.GetString(canonical)} is not its own");
        using var given = JsonDocument.Parse(bytes);
        using var written = JsonDocument.Parse(canonical);
        FuzzTarget.Promise(given.RootElement.EnumerateObject().Count() == written.RootElement.EnumerateObject().Count(), "a field more or less");
        return true;
    }

    private static void CheckGossip(byte[] bytes)
    {
        var error = GossipReader.Read(bytes, Us.ServerId, Now, TimeSpan.FromMinutes(5), out var message);
        FuzzTarget.Promise((error == GossipError.None) == (message is not null), "a message that is none, or none that is one");
        FuzzTarget.Promise(error != GossipError.None || Encoding.UTF8.GetString(bytes).Contains("gossip", StringComparison.Ordinal), "gossip that does not say so");
    }

    private sealed class FixedTime : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => Now;
    }
}
