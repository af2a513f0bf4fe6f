using Relay.Admission;
using Relay.Events;
using Relay.Sessions;
using Server.Tests.Sessions;

namespace Server.Tests.Admission;

public sealed class RelayStateTests
{
    private readonly RelayState _state = new();

    [Fact]
    public void Life_ThroughADrain_IsSaidByName()
    {
        Assert.Equal(("starting", Refusal.None), (_state.Name, _state.ClosedBy));
        Assert.True(_state.TryServe());
        Assert.Equal(("ready", Refusal.None), (_state.Name, _state.ClosedBy));
        Assert.True(_state.TryDrain());
        Assert.Equal(("draining", Refusal.Draining), (_state.Name, _state.ClosedBy));
        Assert.True(_state.TryCancelDrain());
        Assert.False(_state.TryCancelDrain());
        Assert.Equal(RelayPhase.Serving, _state.Phase);
        Assert.True(_state.TryStop());
        Assert.Equal(("draining", Refusal.Stopping), (_state.Name, _state.ClosedBy));
    }

    [Fact]
    public void Stopping_NothingLeadsBack()
    {
        _state.TryStop();
        Assert.False(_state.TryServe() || _state.TryDrain() || _state.TryCancelDrain() || _state.TryStop());
        Assert.Equal(RelayPhase.Stopping, _state.Phase);
    }

    [Fact]
    public void Changed_ManyThreads_TellsEachStepInOrder()
    {
        var seen = new List<RelayPhase> { RelayPhase.Starting };
        _state.Changed += change => seen.Add(change.After);
        Parallel.For(0, 8, worker =>
        {
            var random = new Random(worker);
            for (var i = 0; i < 2000; i++)
            {
                _ = random.Next(3) switch { 0 => _state.TryServe(), 1 => _state.TryDrain(), _ => _state.TryCancelDrain() };
            }
        });
        _state.TryStop();

        Assert.Equal(RelayPhase.Stopping, seen[^1]);
        Assert.All(seen.Zip(seen.Skip(1)), step => Assert.True(step.First != step.Second && step.Second != RelayPhase.Starting, $"{step}"));
    }

    /// <summary>Whose drain it is, why and until when: also where it becomes another's on the way.</summary>
    [Fact]
    public void Drain_OfAnOperatorAndThenOfTheStop_SaysWhoseItIs()
    {
        var told = new List<StateChanged>();
        _state.Changed += told.Add;
        _state.TryServe();
        Assert.Null(_state.Draining);

        var until = new DateTimeOffset(2026, 11, 28, 12, 0, 0, TimeSpan.Zero);
        _state.TryDrain("kay", "upgrade", until);
        _state.TryDrain("kay", "upgrade", until.AddHours(1));
        Assert.Equal(new Draining("kay", "upgrade", until.AddHours(1)), _state.Draining);
        _state.TryDrain(reason: "SIGTERM");
        _state.TryStop("SIGTERM");

        Assert.Null(_state.Draining);
        Assert.Equal(
            [
                (RelayPhase.Serving, "relayd", ""), (RelayPhase.Draining, "kay", "upgrade"), (RelayPhase.Draining, "relayd", "SIGTERM"),
                (RelayPhase.Stopping, "relayd", "SIGTERM"),
            ],
            told.Select(change => (change.After, change.Who, change.Reason)));
    }

    /// <summary>A stop comes while operators start and cancel drains: it is said once, and nothing leads back from it.</summary>
    [Fact]
    public void Stop_WhileDrainsAreStartedAndCancelled_IsTheLastStep()
    {
        using var sessions = new QuietSessions();
        for (var round = 0; round < 200; round++)
        {
            var state = new RelayState();
            var told = new List<RelayPhase>();
            state.Changed += change => told.Add(change.After);
            state.TryServe();
            var events = new RelayEvents(sessions.Time);
            var drainer = new Drainer(new SessionTable(), sessions.Handler, new ClientSessionOptions(), state, events, sessions.Time);
            var stopped = 0;
            Parallel.For(0, 6, worker =>
            {
                switch (worker % 3)
                {
                    case 0:
                        drainer.Start(10, TimeSpan.FromMinutes(1), $"operator {worker}");
                        break;
                    case 1:
                        drainer.Cancel();
                        break;
                    default:
                        Interlocked.Add(ref stopped, state.TryStop("SIGTERM") ? 1 : 0);
                        break;
                }
            });

            Assert.Equal((1, RelayPhase.Stopping, null), (stopped, state.Phase, state.Draining));
            Assert.Equal(told.Count - 1, told.IndexOf(RelayPhase.Stopping));
            var published = events.Last(int.MaxValue).Count;
            drainer.Start(10, TimeSpan.FromMinutes(1));
            Assert.False(drainer.Cancel());
            Assert.Equal((published, RelayPhase.Stopping), (events.Last(int.MaxValue).Count, state.Phase));
        }
    }

    /// <summary>Whatever operators do at once, the state and the drainer agree afterwards: never "draining" with nothing that drains, nor the other way round.</summary>
    [Fact]
    public void Drainer_StartedAndCancelledAtOnce_AgreesWithTheState()
    {
        _state.TryServe();
        using var sessions = new QuietSessions();
        var drainer = new Drainer(new SessionTable(), sessions.Handler, new ClientSessionOptions(), _state, new RelayEvents(sessions.Time), sessions.Time);
        for (var round = 0; round < 200; round++)
        {
            Parallel.For(0, 4, worker =>
            {
                if (worker % 2 == 0)
                {
                    drainer.Start(10, TimeSpan.FromMinutes(1));
                }
                else
                {
                    drainer.Cancel();
                }
            });
            Assert.Equal(drainer.State().IsOn, _state.Phase == RelayPhase.Draining);
        }
    }
}
