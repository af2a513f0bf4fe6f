namespace Relay.Admission;

/// <summary>Where the relay is in its life.</summary>
internal enum RelayPhase
{
    Starting,
    Serving,

    /// <summary>New connections are rejected and connected clients are disconnected at a pace.</summary>
    Draining,

    /// <summary>The last phase.</summary>
    Stopping,
}

/// <summary>
/// The relay's state and its only writer: /ready, the health service, the admission rules, the drainer, the handshake guard and
/// the statistics all read it here, so they cannot disagree. Goes from starting to serving to draining to stopping; back only
/// from draining to serving.
/// </summary>
internal sealed class RelayState
{
    private readonly Lock _lock = new();

    // Written under _lock, read anywhere.
    private volatile RelayPhase _phase = RelayPhase.Starting;

    /// <summary>Raised after each change, in order, under the lock of the state: handlers return at once and call nothing back.</summary>
    public event Action<RelayPhase>? Changed;

    public RelayPhase Phase => _phase;

    /// <summary>As /ready and the statistics say it: "starting", "ready" or "draining".</summary>
    public string Name => _phase switch
    {
        RelayPhase.Starting => "starting",
        RelayPhase.Serving => "ready",
        _ => "draining",
    };

    /// <summary>The reason for which every new connection is rejected; None: none is for the relay's state.</summary>
    public Refusal ClosedBy => _phase switch
    {
        RelayPhase.Draining => Refusal.Draining,
        RelayPhase.Stopping => Refusal.Stopping,
        _ => Refusal.None,
    };

    /// <summary>The listeners are open. False: the relay drains or stops already.</summary>
    public bool TryServe() => TryMove(RelayPhase.Serving, from: RelayPhase.Starting);

    /// <summary>False when the relay stops; a drain in progress continues.</summary>
    public bool TryDrain()
    {
        lock (_lock)
        {
            return _phase == RelayPhase.Draining || TryMove(RelayPhase.Draining, from: _phase);
        }
    }

    /// <summary>False when no drain is in progress.</summary>
    public bool TryCancelDrain() => TryMove(RelayPhase.Serving, from: RelayPhase.Draining);

    /// <summary>Nothing leads back from here. False: the relay stops already.</summary>
    public bool TryStop()
    {
        lock (_lock)
        {
            return TryMove(RelayPhase.Stopping, from: _phase);
        }
    }

    private bool TryMove(RelayPhase to, RelayPhase from)
    {
        lock (_lock)
        {
            if (_phase != from || _phase is RelayPhase.Stopping)
            {
                return false;
            }

            _phase = to;
            Changed?.Invoke(to);
            return true;
        }
    }
}
