using Relay.Benchmarks.Hostile.Honest;

namespace Relay.Benchmarks.Hostile.Attacks;

/// <summary>Subscribers of a channel announce ids full of a character that some writers escape, to the other subscribers.</summary>
internal sealed class ChunkAnnounceStorm : Attack
{
    private const int Sockets = 40;
    private const int Addresses = 4;

    private static readonly string Announce = $$"""
        {"type":"chunk_announce","channelId":"{{ChunkScene.Channel}}","chunks":[{{string.Join(',', Enumerable.Range(100, 100).Select(i => $$"""{"chunkId":"{{i}}{{new string('\u007f', 250)}}"}"""))}}]}
        """;

    public override string Name => "chunk-announce-storm";

    public override string Summary => "announcements of 100 ids of 250 x DEL to the subscribers of a channel, one on a slow line";

    public override IEnumerable<HonestScene> Beside(HonestSetting setting, AttackTarget target) => [new SlowScene(setting, ChunkScene.Channel)];

    public override void Run(AttackTarget target)
    {
        var sockets = target.RegisterMany(Sockets, Addresses);
        foreach (var socket in sockets)
        {
            socket.Queue($$"""{"type":"channel-subscribe","channelId":"{{ChunkScene.Channel}}"}""");
        }

        target.PumpAll(sockets);
        var frame = AttackSocket.Frame(Announce);
        for (var round = 0; round < 60 && !target.IsOver; round++)
        {
            foreach (var socket in sockets)
            {
                socket.Queue(frame);
                target.Count("announcements");
            }

            target.PumpAll(sockets);
        }

        target.Count("bytes that announcers got", sockets.Sum(socket => socket.BytesRead));
    }
}
