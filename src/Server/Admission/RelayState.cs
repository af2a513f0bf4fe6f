using Relay.Events;

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

/// <summary>By whom the relay is drained, why, and until when at the latest (null: not known).</summary>
internal sealed record Draining(string Who, string Reason, DateTimeOffset? Until);

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

    private volatile Draining? _draining;
    private volatile bool _hasSuccessor;

    /// <summary>Raised after each change, in order, under the lock of the state: handlers return at once and call nothing back.</summary>
    public event Action<StateChanged>? Changed;

    public RelayPhase Phase => _phase;

    /// <summary>The drain in progress; null: none.</summary>
    public Draining? Draining => _draining;

    /// <summary>Another process has taken the place of this one, which only ends what it has begun with its clients.</summary>
    public bool HasSuccessor => _hasSuccessor;

    /// <summary>This process has taken the place of another one, whose clients may still be there.</summary>
    public bool HasPredecessor { get; private set; }

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
    public bool TryServe() => TryMove(RelayPhase.Serving, phase => phase == RelayPhase.Starting);

    /// <summary>The start of a process that takes the place of another: the listeners are open already.</summary>
    public void Succeed()
    {
        HasPredecessor = true;
        TryServe();
    }

    /// <summary>Another process serves from now on.</summary>
    public void HandOver() => _hasSuccessor = true;

    /// <summary>False when the relay stops; a drain in progress goes on, and is <paramref name="who"/>'s from now.</summary>
    /// <param name="until">When the last client is disconnected at the latest; null: not known.</param>
    public bool TryDrain(string who = RelayEvent.Relay, string reason = "", DateTimeOffset? until = null) =>
        TryMove(RelayPhase.Draining, phase => phase != RelayPhase.Stopping, new Draining(who, reason, until));

    /// <summary>False when no drain is in progress.</summary>
    public bool TryCancelDrain(string who = RelayEvent.Relay, string reason = "") =>
        TryMove(RelayPhase.Serving, phase => phase == RelayPhase.Draining, who: who, reason: reason);

    /// <summary>Nothing leads back from here. False: the relay stops already.</summary>
    public bool TryStop(string reason = "") => TryMove(RelayPhase.Stopping, phase => phase != RelayPhase.Stopping, reason: reason);

    private bool TryMove(RelayPhase to, Func<RelayPhase, bool> mayMove, Draining? draining = null, string who = RelayEvent.Relay, string reason = "")
    {
        lock (_lock)
        {
            var before = _phase;
            if (!mayMove(before))
            {
                return false;
            }

            var isNews = before != to || draining?.Who != _draining?.Who;
            (_phase, _draining) = (to, draining);
            if (isNews)
            {
                Changed?.Invoke(new StateChanged(before, to, draining?.Until) { Who = draining?.Who ?? who, Reason = draining?.Reason ?? reason });
            }

            return true;
        }
    }
}
