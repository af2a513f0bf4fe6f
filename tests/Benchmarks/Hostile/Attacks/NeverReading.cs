namespace Relay.Benchmarks.Hostile.Attacks;

/// <summary>Clients that ask for much and read nothing.</summary>
internal sealed class NeverReading : Attack
{
    private const int Sockets = 150;
    private const int Addresses = 4;

    private static readonly byte[][] Questions =
    [
        AttackSocket.Frame("""{"type":"get_relays","peerId":"me","count":100}"""),
        AttackSocket.Frame("""{"type":"ping"}"""),
        AttackSocket.Frame($$"""{"type":"chunk_request","chunkId":"kept","channelId":"{{Honest.ChunkScene.Channel}}"}"""),
        AttackSocket.Frame($$"""{"type":"channel-subscribe","channelId":"{{Honest.ChannelScene.Channel}}"}"""),
        AttackSocket.Frame(new byte[100], 0x89),
    ];

    public override string Name => "never-reading";

    public override string Summary => "clients that ask for relays, chunks and streams, ping, and read nothing";

    public override void Run(AttackTarget target)
    {
        var sockets = target.RegisterMany(Sockets, Addresses, receiveBytes: 2048);
        for (var round = 0; round < 95 && !target.IsOver; round++)
        {
            foreach (var socket in sockets)
            {
                socket.Queue(Questions[round % Questions.Length]);
                target.Count("questions");
            }

            target.PumpAll(sockets, isReading: false);
        }
    }
}
