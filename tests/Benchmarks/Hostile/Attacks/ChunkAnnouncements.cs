namespace Relay.Benchmarks.Hostile.Attacks;

/// <summary>Two addresses announce more chunks than the relay remembers announcements.</summary>
internal sealed class ChunkAnnouncements : Attack
{
    private const int Sockets = 100;
    private const int Messages = 12;

    public override string Name => "chunk-announcements";

    public override string Summary => "two addresses announce 120,000 chunks where 100,000 announcements are remembered";

    public override void Run(AttackTarget target)
    {
        var sockets = target.RegisterMany(Sockets, addresses: 2);
        for (var message = 0; message < Messages; message++)
        {
            for (var i = 0; i < sockets.Count; i++)
            {
                var chunks = string.Join(',', Enumerable.Range(0, 100).Select(chunk => $$"""{"chunkId":"{{i}}-{{message}}-{{chunk}}"}"""));
                sockets[i].Queue($$"""{"type":"chunk_announce","channelId":"flood","chunks":[{{chunks}}]}""");
                target.Count("announcements", 100);
            }
        }

        target.PumpAll(sockets);
    }
}
