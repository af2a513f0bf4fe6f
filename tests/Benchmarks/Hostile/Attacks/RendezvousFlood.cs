namespace Relay.Benchmarks.Hostile.Attacks;

/// <summary>One address registers points under many names until the table has overflowed several times.</summary>
internal sealed class RendezvousFlood : Attack
{
    private const int Sockets = 50;
    private const int Messages = 10;

    public override string Name => "rendezvous-flood";

    public override string Summary => "one address registers 25,000 points and tokens in a table of 5,000";

    public override IReadOnlyList<string> Options => ["--Rendezvous:MaxRows=5000"];

    public override void Run(AttackTarget target)
    {
        var sockets = target.RegisterMany(Sockets, addresses: 1);
        for (var message = 0; message < Messages; message++)
        {
            for (var i = 0; i < sockets.Count; i++)
            {
                sockets[i].Queue(
                    $$"""{"type":"register_rendezvous","dailyPoints":[{{Names($"p-{i}-{message}")}}],"hourlyTokens":[{{Names($"t-{i}-{message}")}}],"deadDrop":"x"}""");
                target.Count("points and tokens", 100);
            }
        }

        target.PumpAll(sockets);
    }

    private static string Names(string first) => string.Join(',', Enumerable.Range(0, 50).Select(i => $"\"{first}-{i}\""));
}
