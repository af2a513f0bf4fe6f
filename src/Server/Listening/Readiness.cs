namespace Relay.Listening;

/// <summary>Whether the relay takes new connections: what /ready and the health service say.</summary>
internal enum ReadyState
{
    Starting,
    Ready,
    Draining,
}

/// <summary>Moves from starting to ready to draining, never back.</summary>
internal sealed class Readiness
{
    private volatile ReadyState _state = ReadyState.Starting;

    public ReadyState State => _state;

    public string Name => _state.ToString().ToLowerInvariant();

    /// <summary>Moves on; a step back is ignored.</summary>
    public void Become(ReadyState state)
    {
        if (state > _state)
        {
            _state = state;
        }
    }
}
