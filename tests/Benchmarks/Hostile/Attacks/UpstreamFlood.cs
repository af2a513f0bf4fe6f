namespace Relay.Benchmarks.Hostile.Attacks;

/// <summary>One address writes to channels that nobody owns until all that may wait for owners is its own.</summary>
internal sealed class UpstreamFlood : Attack
{
    private const int Sockets = 50;
    private const int Channels = 4;

    private static readonly string Text = new('x', 120_000);

    public override string Name => "upstream-flood";

    public override string Summary => "one address fills the queues for owners who are away";

    public override void Run(AttackTarget target)
    {
        var sockets = target.RegisterMany(Sockets, addresses: 1);
        for (var i = 0; i < sockets.Count; i++)
        {
            for (var channel = 0; channel < Channels; channel++)
            {
                sockets[i].Queue($$"""{"type":"channel-subscribe","channelId":"flood-{{i}}-{{channel}}"}""");
            }
        }

        for (var round = 0; round < 7; round++)
        {
            for (var i = 0; i < sockets.Count; i++)
            {
                for (var channel = 0; channel < Channels; channel++)
                {
                    sockets[i].Queue($$"""{"type":"upstream-message","channelId":"flood-{{i}}-{{channel}}","message":"{{Text}}","ephemeralPublicKey":"k"}""");
                    target.Count("messages");
                }
            }
        }

        target.PumpAll(sockets);
    }
}
