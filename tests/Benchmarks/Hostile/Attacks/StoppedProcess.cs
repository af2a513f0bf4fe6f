namespace Relay.Benchmarks.Hostile.Attacks;

/// <summary>The relay stands still for longer than a client may be silent; nobody is closed for that.</summary>
internal sealed class StoppedProcess : Attack
{
    private const int Milliseconds = 7000;

    public override string Name => "stopped-process";

    public override string Summary => "the relay is stopped for 7 s, and a client may be silent for 5";

    public override IReadOnlyList<string> Options => ["--Sessions:PingInterval=2s", "--Sessions:SilenceTimeout=5s"];

    public override bool StopsTheRelay => true;

    public override void Run(AttackTarget target)
    {
        // Who is quiet, and answers pings alone.
        var quiet = target.RegisterMany(20, addresses: 2);
        target.PumpAll(quiet);
        target.Relay.SignalAsync("STOP").GetAwaiter().GetResult();
        Thread.Sleep(Milliseconds);
        target.Relay.SignalAsync("CONT").GetAwaiter().GetResult();
        target.Count("ms stopped", Milliseconds);
        for (var until = target.Elapsed + TimeSpan.FromSeconds(3); target.Elapsed < until; AttackTarget.Breathe())
        {
            quiet.ForEach(socket => socket.Drain());
        }

        foreach (var socket in quiet.Where(socket => socket.IsClosed))
        {
            target.Fault($"a quiet client was closed: {socket.CloseReason}");
        }
    }
}
