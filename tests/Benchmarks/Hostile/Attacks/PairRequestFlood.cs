using Relay.Benchmarks.Hostile.Honest;

namespace Relay.Benchmarks.Hostile.Attacks;

/// <summary>Twenty addresses of one network keep all places for pair requests at one honest client.</summary>
internal sealed class PairRequestFlood : Attack
{
    private const int Addresses = 20;

    public override string Name => "pair-requests";

    public override string Summary => "twenty addresses of one network hold all places for pair requests at an honest client";

    public override void Run(AttackTarget target)
    {
        var sockets = target.RegisterMany(3 * Addresses, Addresses);
        var request = AttackSocket.Frame($$"""{"type":"pair_request","targetCode":"{{target.Honest.Scene<MeetingScene>().Target}}"}""");
        for (var round = 0; round < 9 && !target.IsOver; round++)
        {
            foreach (var socket in sockets)
            {
                socket.Queue(request);
                target.Count("pair requests");
            }

            target.PumpAll(sockets);
        }

        while (!target.IsOver)
        {
            sockets.ForEach(socket => socket.Drain());
            AttackTarget.Breathe();
        }
    }
}
