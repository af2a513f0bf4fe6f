namespace Relay.Transport;

/// <summary>Whether the relay takes new connections: what /ready and the health service say.</summary>
internal enum ReadyState
{
    Starting,
    Ready,
    Draining,
}

/// <summary>Moves from starting to ready to draining; back only when an operator takes a drain back before the relay stops.</summary>
internal sealed class Readiness
{
    private volatile bool _isStopping;
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

    /// <summary>The relay is stopping: nothing leads back from here.</summary>
    public void Stop() => (_isStopping, _state) = (true, ReadyState.Draining);

    /// <summary>A drain was taken back.</summary>
    public void Resume()
    {
        if (_state == ReadyState.Draining && !_isStopping)
        {
            _state = ReadyState.Ready;
        }
    }
}
