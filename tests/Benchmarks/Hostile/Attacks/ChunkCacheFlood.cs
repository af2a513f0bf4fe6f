namespace Relay.Benchmarks.Hostile.Attacks;

/// <summary>Two addresses push more content than the relay keeps.</summary>
internal sealed class ChunkCacheFlood : Attack
{
    private const int Sockets = 50;
    private const int Chunks = 40;

    private static readonly string Data = new('x', 60_000);

    public override string Name => "chunk-cache";

    public override string Summary => "two addresses push 120 MB into a cache of 16 MiB";

    public override IReadOnlyList<string> Options => ["--Chunks:CacheBytes=16777216"];

    public override void Run(AttackTarget target)
    {
        var sockets = target.RegisterMany(Sockets, addresses: 2);
        for (var i = 0; i < sockets.Count; i++)
        {
            var chunks = string.Join(',', Enumerable.Range(0, Chunks).Select(chunk => $$"""{"chunkId":"{{i}}-{{chunk}}"}"""));
            sockets[i].Queue($$"""{"type":"chunk_announce","channelId":"flood","chunks":[{{chunks}}]}""");
        }

        for (var chunk = 0; chunk < Chunks && !target.IsOver; chunk++)
        {
            for (var i = 0; i < sockets.Count; i++)
            {
                sockets[i].Queue($$"""{"type":"chunk_push","chunkId":"{{i}}-{{chunk}}","channelId":"flood","data":"{{Data}}"}""");
                target.Count("pushes");
            }

            target.PumpAll(sockets);
        }
    }
}
