namespace Relay.Benchmarks.Hostile.Honest;

/// <summary>Something that should not happen to a client that keeps the rules.</summary>
internal sealed class HonestFault(Harm harm, string text) : Exception(text)
{
    private int _isCounted;

    public Harm Harm => harm;

    /// <summary>True the first time.</summary>
    public bool TryCount() => Interlocked.Exchange(ref _isCounted, 1) == 0;
}

/// <summary>The ways in which others can be hurt.</summary>
internal enum Harm
{
    /// <summary>The relay ended the connection.</summary>
    Closed,

    /// <summary>The relay did not let it in, or answered what it asked for with an error.</summary>
    Refused,

    /// <summary>Something that it was sent, or that was kept for it, did not come.</summary>
    Lost,
}
