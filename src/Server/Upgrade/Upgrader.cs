using Relay.Admission;
using Relay.Configuration;
using Relay.Events;
using Relay.Transport;
using Relay.Upgrade.V1;

namespace Relay.Upgrade;

/// <summary>What came of an upgrade.</summary>
/// <param name="ProcessId">Of the process that is the relay now.</param>
/// <param name="Version">Its version.</param>
/// <param name="Pause">For so long what needs the database, and changes of the policy, had to wait.</param>
/// <param name="Moved">The clients that have moved.</param>
internal readonly record struct UpgradeResult(int ProcessId, string Version, TimeSpan Pause, MovedClients Moved);

/// <summary>
/// Has a new process take the place of this one: it gets the listening sockets, when it is ready to start what only one process can have, and when
/// it has started the clients that can move. Until that has been confirmed, this one goes on as before whatever happens to it; from then on this one only
/// disconnects the clients that are left.
/// </summary>
internal sealed class Upgrader(
    RunningProgram program,
    OpenListeners listeners,
    ExclusiveState exclusive,
    Retirement retirement,
    ClientHandOver handOver,
    RelayState state,
    IHostApplicationLifetime application,
    RelayEvents events,
    TimeProvider time)
{
    // Atomic: 1 while one is in progress, and after one that was done.
    private int _isBusy;

    /// <summary>Another program lies where this one was started from.</summary>
    public bool IsReplaced => program.IsReplaced;

    /// <summary>Why no upgrade can be begun now, in a sentence; null: one can.</summary>
    public string? Objection =>
        !OperatingSystem.IsLinux() ? "only on Linux can a process hand over to another one; drain and restart the relay"
        : Environment.ProcessId == 1 ? "relayd is the first process of its container, which ends with it; start a new container instead"
        : state.HasSuccessor ? "another process has taken over already"
        : state.Phase == RelayPhase.Draining ? "the relay drains, which a new process would not go on with; cancel that first (relayctl drain --cancel)"
        : state.Phase != RelayPhase.Serving ? "the relay starts or stops"
        : Volatile.Read(ref _isBusy) != 0 ? "an upgrade is in progress"
        : null;

    /// <summary>Does it; throws <see cref="UpgradeException"/> when this process goes on as before, and says why.</summary>
    /// <param name="rate">Clients of this process that are disconnected a second.</param>
    /// <param name="deadline">When the last of them are.</param>
    public async Task<UpgradeResult> RunAsync(int rate, TimeSpan deadline, string who, string reason)
    {
        if (Objection is not null || Interlocked.Exchange(ref _isBusy, 1) != 0)
        {
            throw new UpgradeException(Objection ?? "an upgrade is in progress");
        }

        events.Publish(new UpgradeStarted { Who = who, Reason = reason });
        try
        {
            var (next, result) = await HandOverAsync(who, reason);
            events.Publish(new HandedOver(result.ProcessId, result.Version, result.Moved.Count, result.Moved.Standstill) { Who = who, Reason = reason });
            _ = retirement.EndAsync(next, handOver.Remaining, rate, deadline, who);
            return result;
        }
        catch (Exception exception)
        {
            Volatile.Write(ref _isBusy, 0);
            events.Publish(new UpgradeFailed(exception is UpgradeException ? exception.Message : "a bug in relayd") { Reason = reason });
            throw;
        }
    }

    private async Task<(NewProcess Next, UpgradeResult Result)> HandOverAsync(string who, string reason)
    {
        var next = NewProcess.Start(program, time);

        // A stop waits for the database, which waits for the new process.
        using var stopping = application.ApplicationStopping.UnsafeRegister(_ => next.Kill(), null);
        var (released, version, moved) = (0L, "", default(MovedClients));
        try
        {
            version = await next.GreetAsync();
            await next.OfferAsync(
                listeners.Descriptors, new Offer { Program = ServerCommand.Version, Who = who, Reason = reason, LastSession = handOver.LastSession });
            released = time.GetTimestamp();
            await exclusive.ReleaseAsync(program.Patience);
            await next.TakeOverAsync(handOver.Remaining.Read());
            moved = await handOver.MoveAsync(next);
        }
        catch
        {
            await next.EndAsync();
            next.Dispose();
            if (released != 0)
            {
                exclusive.End(isHandedOver: false);
            }

            throw;
        }

        var pause = time.GetElapsedTime(released);
        exclusive.End(isHandedOver: true);

        // Before the loops run again, so that they accept nobody.
        var retiring = retirement.BeginAsync(next.Id);
        handOver.End();
        await retiring;
        await next.OpenAsync(handOver.Remaining.Read());
        return (next, new UpgradeResult(next.Id, version, pause, moved));
    }
}
