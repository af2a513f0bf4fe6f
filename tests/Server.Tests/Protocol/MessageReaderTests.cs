using System.Text;
using Relay.Protocol;

namespace Server.Tests.Protocol;

public sealed class MessageReaderTests
{
    [Theory]
    [InlineData("null", "Message must be a JSON object")]
    [InlineData("1", "Message must be a JSON object")]
    [InlineData("\"ping\"", "Message must be a JSON object")]
    [InlineData("true", "Message must be a JSON object")]
    [InlineData("[]", "Missing or invalid \"type\" field")]
    [InlineData("[{\"type\":\"ping\"}]", "Missing or invalid \"type\" field")]
    [InlineData("{}", "Missing or invalid \"type\" field")]
    [InlineData("{\"type\":null}", "Missing or invalid \"type\" field")]
    [InlineData("{\"type\":7}", "Missing or invalid \"type\" field")]
    [InlineData("{\"Type\":\"ping\"}", "Missing or invalid \"type\" field")]
    [InlineData("{\"type\":\"ping\",\"type\":1}", "Missing or invalid \"type\" field")]
    public void Check_NoType_SaysSo(string json, string expected) => Assert.Equal(expected, Check(json).Error);

    [Theory]
    [InlineData("pair_request", "targetCode")]
    [InlineData("pair_response", "targetCode accepted?")]
    [InlineData("offer", "target")]
    [InlineData("answer", "target")]
    [InlineData("ice_candidate", "target")]
    [InlineData("call_offer", "target")]
    [InlineData("call_answer", "target")]
    [InlineData("call_reject", "target")]
    [InlineData("call_hangup", "target")]
    [InlineData("call_ice", "target")]
    [InlineData("link_request", "linkCode publicKey")]
    [InlineData("link_response", "linkCode accepted?")]
    [InlineData("upstream-message", "channelId ephemeralPublicKey")]
    [InlineData("stream-start", "streamId channelId")]
    [InlineData("stream-frame", "streamId channelId")]
    [InlineData("stream-end", "streamId channelId")]
    [InlineData("channel-subscribe", "channelId")]
    [InlineData("channel-owner-register", "channelId")]
    [InlineData("chunk_announce", "peerId~ chunks*")]
    [InlineData("chunk_request", "chunkId channelId")]
    [InlineData("chunk_push", "chunkId channelId")]
    [InlineData("update_load", "peerId~")]
    [InlineData("heartbeat", "peerId~")]
    [InlineData("register_rendezvous", "peerId~ relayId~")]
    [InlineData("attest_request", "build_token device_id")]
    [InlineData("attest_response", "nonce responses*")]
    [InlineData("register", "peerId")]
    [InlineData("ping", "")]
    [InlineData("get_relays", "")]
    public void Check_EachType_AsksForItsFieldsInOrder(string type, string fields)
    {
        var json = $"\"type\":\"{type}\"";
        foreach (var spec in fields.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            var name = spec.TrimEnd('?', '*', '~');
            var (kind, good, bad) = spec[^1] switch
            {
                '?' => ("a boolean", "true", new[] { "null", "\"true\"", "1" }),
                '*' => ("an array", "[]", ["null", "{}", "\"\""]),
                '~' => ("a string", "\"\"", ["7", "{}", "false"]),
                _ => ("a string", "\"\"", ["null", "7", "[]", "true"]),
            };
            if (spec[^1] != '~')
            {
                Assert.Equal($"{type}: {name} must be {kind}", Check($"{{{json}}}").Error);
            }

            foreach (var value in bad)
            {
                Assert.Equal($"{type}: {name} must be {kind}", Check($"{{{json},\"{name}\":{value}}}").Error);
            }

            json += $",\"{name}\":{good}";
        }

        Assert.Null(Check($"{{{json}}}").Error);
        Assert.Equal(type, MessageTypes.Name(Check($"{{{json}}}").Type));
    }

    [Theory]
    [InlineData("{\"type\":\"register\",\"pairingCode\":1}", "register: pairingCode must be a string")]
    [InlineData("{\"type\":\"register\",\"pairingCode\":null,\"peerId\":\"p\"}", "register: pairingCode must be a string")]
    [InlineData("{\"type\":\"register\",\"pairingCode\":\"\"}", "register: publicKey must be a string")]
    [InlineData("{\"type\":\"register\",\"pairingCode\":\"\",\"publicKey\":\"\"}", null)]
    [InlineData("{\"type\":\"register_rendezvous\",\"peerId\":null,\"relayId\":null}", null)]
    [InlineData("{\"type\":\"heartbeat\"}", null)]
    [InlineData("{\"type\":\"no_such_type\"}", null)]
    [InlineData("{\"type\":\"p\\u0069ng\"}", null)]
    public void Check_SpecialShapes_AreRead(string json, string? expected) => Assert.Equal(expected, Check(json).Error);

    [Fact]
    public void Check_Register_IsToldApartByItsCode()
    {
        Assert.Equal(MessageType.RegisterCode, Check("{\"type\":\"register\",\"pairingCode\":\"a\",\"publicKey\":\"b\",\"peerId\":\"c\"}").Type);
        Assert.Equal(MessageType.RegisterPeer, Check("{\"type\":\"register\",\"peerId\":\"c\"}").Type);
        Assert.Equal(MessageType.Ping, Check("{\"type\":\"p\\u0069ng\"}").Type);
        Assert.Equal(MessageType.Unknown, Check("{\"type\":\"PING\"}").Type);
    }

    private static (string? Error, MessageType Type) Check(string json)
    {
        Assert.True(ClientMessage.TryParse(Encoding.UTF8.GetBytes(json), out var message));
        using (message)
        {
            return (MessageReader.Check(message, out var type), type);
        }
    }
}
