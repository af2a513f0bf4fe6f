using System.Text;
using Relay;
using Relay.Protocol;

namespace Server.Tests;

public sealed class ClientMessagesTests
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
        Assert.Equal(type, Check($"{{{json}}}").Definition.Name);
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
        Assert.Equal("pairingCode", Check("{\"type\":\"register\",\"pairingCode\":\"a\",\"publicKey\":\"b\",\"peerId\":\"c\"}").Definition.Key);
        Assert.Equal("pairingCode", Check("{\"type\":\"register\",\"pairingCode\":null}").Definition.Key);
        Assert.Null(Check("{\"type\":\"register\",\"peerId\":\"c\"}").Definition.Key);
        Assert.Equal("register", Check("{\"type\":\"register\"}").Definition.Name);
    }

    [Fact]
    public void Check_EachName_IsFoundHoweverItIsSpelled()
    {
        foreach (var name in ClientMessages.Names.Except([ClientMessages.Unknown.Name]))
        {
            var escaped = string.Concat(name.Select(letter => $"\\u{(int)letter:x4}"));
            Assert.Equal(name, Check($"{{\"type\":\"{name}\"}}").Definition.Name);
            Assert.Equal(name, Check($"{{\"type\":\"{escaped}\"}}").Definition.Name);
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("Ping")]
    [InlineData("ping ")]
    [InlineData("unknown")]
    [InlineData("p\u00efng")]
    [InlineData("p\\u00efng")]
    [InlineData("ping\\u0000")]
    [InlineData("pingpingpingpingpingpingpingping")]
    [InlineData("\\u0070ingpingpingpingpingpingpingpingpingpingpingpingpingpingpingpingpingpingpingpingpingpingpingpingpingpingpingpingpingpingpingpingpingpingpingpingpingpingpingpingpingpingpingpingpingpingpingpingpingping")]
    public void Check_NoSuchName_IsUnknownAndNoError(string name)
    {
        var (error, definition) = Check($"{{\"type\":\"{name}\"}}");

        Assert.Null(error);
        Assert.Same(ClientMessages.Unknown, definition);
    }

    // Whatever is checked of a registered socket's message is checked of an unknown type's too.
    [Fact]
    public void Checks_PeerIdAndAttestation_AreThoseOfTheProtocol()
    {
        Assert.Equal(["register", "register", "get_relays"], ClientMessages.All.Where(message => !message.ChecksPeerId).Select(message => message.Name));
        Assert.Equal(
            ["chunk_announce", "chunk_request", "chunk_push"],
            ClientMessages.All.Where(message => message.NeedsAttestation).Select(message => message.Name));
        Assert.True(ClientMessages.Unknown is { ChecksPeerId: true, NeedsAttestation: false });
    }

    [Fact]
    public void Names_BothFormsOfRegister_AreOneLabel()
    {
        Assert.Equal("unknown", ClientMessages.Names.First());
        Assert.Single(ClientMessages.Names, "register");
        Assert.Equal(30, ClientMessages.Names.Count());
    }

    [Theory]
    [InlineData("{\"type\":\"chunk_request\",\"chunkId\":\"a\",\"channelId\":\"b\"}")]
    [InlineData("{\"type\":\"p\\u0069ng\"}")]
    [InlineData("{\"type\":\"register\",\"pairingCode\":\"a\",\"publicKey\":\"b\"}")]
    public void CheckAndHandle_AnyMessage_AllocateNothing(string json)
    {
        var handled = 0;
        var counting = new MessageDefinition("counting", _ => handled++);
        Assert.True(ClientMessage.TryParse(Encoding.UTF8.GetBytes(json), ClientMessages.Fields, out var message));
        using (message)
        {
            Run(1);
            var before = GC.GetAllocatedBytesForCurrentThread();
            Run(1000);

            Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
            Assert.Equal(1001, handled);
        }

        void Run(int times)
        {
            for (var i = 0; i < times; i++)
            {
                if (ClientMessages.Check(message, out var definition) is null)
                {
                    AssertDone(counting.HandleAsync(new ReceivedMessage(null!, null!, definition, message, i)));
                }
            }
        }
    }

    private static void AssertDone(ValueTask task) => Assert.True(task.IsCompletedSuccessfully);

    private static (string? Error, MessageDefinition Definition) Check(string json)
    {
        Assert.True(ClientMessage.TryParse(Encoding.UTF8.GetBytes(json), ClientMessages.Fields, out var message));
        using (message)
        {
            return (ClientMessages.Check(message, out var definition), definition);
        }
    }
}
