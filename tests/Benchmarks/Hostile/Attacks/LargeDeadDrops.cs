namespace Relay.Benchmarks.Hostile.Attacks;

/// <summary>Dead drops of 4,096 characters that take three bytes each.</summary>
internal sealed class LargeDeadDrops : Attack
{
    private const int Sockets = 50;
    private const int Messages = 10;
    private const int Points = 20;

    private static readonly string Drop = new('€', 4096);

    public override string Name => "large-dead-drops";

    public override string Summary => "one address fills a table of 5,000 rows with dead drops of 4,096 x €, 12 KiB each, which count three times";

    public override IReadOnlyList<string> Options => ["--Rendezvous:MaxRows=5000"];

    public override void Run(AttackTarget target)
    {
        var sockets = target.RegisterMany(Sockets, addresses: 1);
        for (var i = 0; i < sockets.Count * Messages; i++)
        {
            var points = Enumerable.Range(0, Points).Select(point => $"\"{i}-{point}\"").ToList();
            var drops = i % 2 == 0
                ? $"\"deadDrop\":\"{Drop}\""
                : $$"""
                    "deadDrops":{{{string.Join(',', points.Select(point => $"{point}:\"{Drop}\""))}}}
                    """;
            sockets[i % sockets.Count].Queue($$"""{"type":"register_rendezvous","dailyPoints":[{{string.Join(',', points)}}],{{drops}}}""");
            target.Count("dead drops", Points);
        }

        while (!target.IsOver && target.Counted("answers") < sockets.Count * Messages)
        {
            foreach (var socket in sockets)
            {
                socket.Pump();
                while (socket.TryRead(out var text))
                {
                    target.Count("answers", text.Contains("rendezvous_result", StringComparison.Ordinal) ? 1 : 0);
                }
            }

            AttackTarget.Breathe();
        }
    }
}
