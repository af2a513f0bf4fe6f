namespace Relay.Transport.Engine;

/// <summary>The loops of the engine, which all of its listeners share.</summary>
internal sealed class EngineLoops(
    PublicListenerOptions options, ProxyHeaderGate proxyHeaders, ClientEntrance entrance, LoopStatistics statistics, TimeProvider time, ILoggerFactory loggers) : IDisposable
{
    private readonly Lock _lock = new();

    // Written under _lock once, and at the end; read anywhere.
    private EngineLoop[] _loops = [];

    // Atomic: loops that have not run since they were last asked.
    private int _toTurn;

    /// <summary>The listeners whose connections they carry; written at the start.</summary>
    public List<EngineListener> Listeners { get; } = [];

    /// <summary>All of them, which the first call starts.</summary>
    public EngineLoop[] Start()
    {
        lock (_lock)
        {
            if (_loops.Length == 0)
            {
                var count = options.Loops > 0 ? options.Loops : Math.Max(1, Environment.ProcessorCount - 1);
                Volatile.Write(ref _loops, [.. Enumerable.Range(1, count).Select(number => new EngineLoop(
                    number, new EngineHandshakes(proxyHeaders, entrance, time), statistics, time, loggers.CreateLogger<EngineLoop>()))]);
            }

            return _loops;
        }
    }

    /// <summary>Whether every loop has run since the call before; the first call is true. One caller.</summary>
    public bool HaveTurned()
    {
        if (Volatile.Read(ref _toTurn) > 0)
        {
            return false;
        }

        var loops = Volatile.Read(ref _loops);
        Volatile.Write(ref _toTurn, loops.Length);
        Array.ForEach(loops, loop => loop.Post(() => Interlocked.Decrement(ref _toTurn)));
        return true;
    }

    /// <summary>Has all loops stand still until what is returned is disposed. Waits for that; null: one has not come to its end of a turn in time.</summary>
    public IDisposable? Halt(TimeSpan within)
    {
        var loops = Volatile.Read(ref _loops);
        var stop = new Stop(loops.Length);
        Array.ForEach(loops, loop => loop.Halt(stop.Halted, stop.GoOn));
        if (stop.Halted.Wait(within))
        {
            return stop;
        }

        stop.Dispose();
        return null;
    }

    public void Dispose() => Array.ForEach(Interlocked.Exchange(ref _loops, []), loop => loop.Dispose());

    // Its events are not disposed: a loop may just come to them, or wake up.
    private sealed class Stop(int loops) : IDisposable
    {
        public CountdownEvent Halted { get; } = new(loops);

        public ManualResetEventSlim GoOn { get; } = new();

        public void Dispose() => GoOn.Set();
    }
}
