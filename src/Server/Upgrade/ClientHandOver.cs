using Relay.Protocol.Moving;
using Relay.Sessions;

namespace Relay.Upgrade;

/// <summary>What came of it: how many clients have moved, and for how long nothing came or went.</summary>
internal readonly record struct MovedClients(int Count, TimeSpan Standstill);

/// <summary>
/// The old process' part in moving its clients: everything stands still, what is known of them is written down, and the new process confirms that it has
/// read it. Then one message decides. If it does not come to that, everything goes on where it stood.
/// </summary>
internal sealed class ClientHandOver(
    DepartingSessions sessions, SessionTable table, IEnumerable<IMovable> movables, RemainingClients remaining, TimeProvider time)
{
    /// <summary>The highest number of a session.</summary>
    public long LastSession => table.LastId;

    /// <summary>Those that have not moved.</summary>
    public RemainingClients Remaining => remaining;

    /// <summary>
    /// Moves the clients that can; when this returns they are the new process', and everything here stands still until <see cref="End"/>. Throws
    /// <see cref="UpgradeException"/> when they are still here, and everything goes on.
    /// </summary>
    public async Task<MovedClients> MoveAsync(NewProcess next)
    {
        var began = time.GetTimestamp();
        try
        {
            if (!await sessions.BeginAsync())
            {
                throw new UpgradeException("a loop of the engine has not come to rest in time");
            }

            var refused = await next.MoveAsync(Write);
            var kept = sessions.Seal(refused);
            await next.CommitAsync(kept);
        }
        catch
        {
            sessions.End();
            throw;
        }

        var standstill = time.GetElapsedTime(began);
        return new MovedClients(sessions.Depart(), standstill);
    }

    /// <summary>Whoever has stayed goes on.</summary>
    public void End() => sessions.End();

    private void Write(Action<MovedPart, int> write)
    {
        if (!sessions.CanMove)
        {
            return;
        }

        var departure = new Departure(new MovedTime(time), movables.SelectMany(movable => movable.Staying()).ToHashSet(), write);
        foreach (var movable in movables)
        {
            movable.Write(departure);
        }
    }
}
