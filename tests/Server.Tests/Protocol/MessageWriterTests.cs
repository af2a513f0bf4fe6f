using System.Text;
using CsCheck;
using Relay.Protocol;

namespace Server.Tests.Protocol;

public sealed class MessageWriterTests
{
    [Fact]
    public void Write_EachMessage_IsItsExactText()
    {
        Is("{\"type\":\"error\",\"message\":\"a\\\"b<\u00e9>\"}", MessageWriter.Error("a\"b<\u00e9>"));
        Is("{\"type\":\"server_info\",\"serverId\":\"s\",\"endpoint\":\"e\",\"region\":null}", MessageWriter.Write(new ServerInfo("s", "e", null), ServerJson.Default.ServerInfo));
        Is(
            "{\"type\":\"server_identity\",\"public_key\":\"k+/=\",\"nonce\":\"n\",\"signature\":\"s\",\"timestamp\":5,\"binding\":\"b\"}",
            MessageWriter.Write(new ServerIdentityMessage("k+/=", "n", "s", 5, "b"), ServerJson.Default.ServerIdentityMessage));
        Is("{\"type\":\"registered\",\"pairingCode\":\"c\",\"serverId\":\"s\"}", MessageWriter.Write(new Registered("c", "s"), ServerJson.Default.Registered));
        Is(
            "{\"type\":\"registered\",\"pairingCode\":\"c\",\"serverId\":\"s\",\"redirects\":[{\"serverId\":\"t\",\"endpoint\":\"wss://t.example\"}]}",
            MessageWriter.Write(new Registered("c", "s", [new ServerRedirect("t", "wss://t.example")]), ServerJson.Default.Registered));
        Is("{\"type\":\"code_collision\",\"message\":\"m\"}", MessageWriter.Write(new CodeCollision("m"), ServerJson.Default.CodeCollision));
        Is(
            "{\"type\":\"pair_incoming\",\"fromCode\":\"c\",\"fromPublicKey\":\"k\",\"expiresIn\":1}",
            MessageWriter.Write(new PairIncoming("c", "k", 1, null), ServerJson.Default.PairIncoming));
        Is(
            "{\"type\":\"pair_incoming\",\"fromCode\":\"c\",\"fromPublicKey\":\"k\",\"expiresIn\":1,\"proposedName\":\"p\"}",
            MessageWriter.Write(new PairIncoming("c", "k", 1, "p"), ServerJson.Default.PairIncoming));
        Is("{\"type\":\"pair_error\",\"error\":\"e\"}", MessageWriter.Write(new PairError("e"), ServerJson.Default.PairError));
        Is("{\"type\":\"pair_expiring\",\"peerCode\":\"c\",\"remainingSeconds\":30}", MessageWriter.Write(new PairExpiring("c", 30), ServerJson.Default.PairExpiring));
        Is("{\"type\":\"pair_timeout\",\"peerCode\":\"c\"}", MessageWriter.Write(new PairTimeout("c"), ServerJson.Default.PairTimeout));
        Is(
            "{\"type\":\"pair_matched\",\"peerCode\":\"c\",\"peerPublicKey\":\"k\",\"isInitiator\":false}",
            MessageWriter.Write(new PairMatched("c", "k", false), ServerJson.Default.PairMatched));
        Is("{\"type\":\"pair_rejected\",\"peerCode\":\"c\"}", MessageWriter.Write(new PairRejected("c"), ServerJson.Default.PairRejected));
        Is("{\"type\":\"pong\"}", MessageWriter.Write(new Pong(), ServerJson.Default.Pong));
    }

    [Fact]
    public void Forward_NoPayload_HasNoKey() => Is("{\"type\":\"offer\",\"from\":\"ABCDEF\"}", MessageWriter.Forward("offer", "ABCDEF", [], 0));

    [Fact]
    public void Forward_AnyPayload_IsByteForByte() => Gen.Byte.Array[1, 3000].Sample(payload =>
    {
        var message = MessageWriter.Forward("answer", "ABCDEF", payload, 42);
        byte[] expected = [.. "{\"type\":\"answer\",\"from\":\"ABCDEF\",\"payload\":"u8, .. payload, (byte)'}'];
        var same = message.Bytes.Span.SequenceEqual(expected) && message.ReceivedAt == 42;
        message.Return();
        return same;
    });

    private static void Is(string expected, EncodedMessage message)
    {
        Assert.Equal(expected, Encoding.UTF8.GetString(message.Bytes.Span));
        message.Return();
    }
}
