namespace Relay.Benchmarks.Hostile.Attacks;

/// <summary>JSON that is legal and that many readers cannot turn into text, wherever a text may stand.</summary>
internal sealed class LoneSurrogates : Attack
{
    private static readonly string[] Messages =
    [
        """{"\ud800":1,"type":"ping"}""",
        """{"type":"\ud800"}""",
        """{"type":"\udc00\ud800","target":"AAAAAA"}""",
        """{"type":"register","pairingCode":"\ud800","publicKey":"\udfff"}""",
        """{"type":"register","peerId":"\ud800"}""",
        """{"type":"offer","target":"\ud83d","payload":"\ud83d"}""",
        """{"type":"offer","target":"ZZZZZZ","payload":{"\ud800":"\ud800"}}""",
        """{"type":"pair_request","targetCode":"ZZZZZZ","proposedName":"\ud800"}""",
        """{"type":"link_request","linkCode":"ZZZZZZ","publicKey":"\ud800","deviceName":"\udc00"}""",
        """{"type":"channel-subscribe","channelId":"\ud800"}""",
        """{"type":"upstream-message","channelId":"\ud800","message":{"id":"\ud800"},"ephemeralPublicKey":"\ud800"}""",
        """{"type":"stream-start","streamId":"\ud800","channelId":"c","title":"\ud800"}""",
        """{"type":"chunk_announce","channelId":"\ud800","chunks":[{"chunkId":"\ud800","\ud800":1}]}""",
        """{"type":"chunk_push","chunkId":"\ud800","channelId":"c","data":"\ud800"}""",
        """{"type":"register_rendezvous","dailyPoints":["\ud800"],"deadDrops":{"\ud800":"\ud800"}}""",
        """{"type":"register_rendezvous","dailyPoints":["p"],"deadDrops":{"p":"\ud800"}}""",
        """{"type":"get_relays","peerId":"\ud800","count":1e999}""",
        """{"type":"attest_request","build_token":"\ud800","device_id":"\ud800"}""",
        """{"type":"ping","\u0074ype":"\ud800"}""",
    ];

    public override string Name => "lone-surrogates";

    public override string Summary => "halves of surrogate pairs in every key and value; each message gets an answer, and none is a bug's";

    public override void Run(AttackTarget target)
    {
        for (var round = 0; round < 40 && !target.IsOver; round++)
        {
            if (target.Register(target.Address(1 + (round % 4)), target.Code(round)) is not { } socket)
            {
                continue;
            }

            foreach (var message in Messages)
            {
                socket.Queue(message);
                target.Count("messages");
            }

            socket.Queue("""{"type":"heartbeat","peerId":"last"}""");
            for (string? text; (text = socket.Await("\"error\"", "mismatch")) is not null && !text.Contains("mismatch", StringComparison.Ordinal);)
            {
                target.Count("errors");
                if (text.Contains("Internal server error", StringComparison.Ordinal))
                {
                    target.Fault($"a bug in the relay: {text}");
                }
            }

            if (socket.IsClosed)
            {
                target.Fault($"closed for legal JSON: {socket.CloseReason}");
            }
        }
    }
}
