using Relay.AdminAuth;
using Relay.Policy;
using Relay.Storage;

namespace Relay.Upgrade;

/// <summary>What only one process can have: the policy journal, a database in a file, the file of the admin socket.</summary>
internal sealed class ExclusiveState(LimitPolicyStore policies, Database database, AdminSocket socket, TimeProvider time)
{
    // Of the one upgrade that is in progress.
    private DatabaseRelease? _database;

    /// <summary>
    /// Lets go of it once all that was begun is on the disk; what comes meanwhile waits. Throws <see cref="UpgradeException"/> when that takes longer than
    /// <paramref name="within"/>.
    /// </summary>
    public async Task ReleaseAsync(TimeSpan within)
    {
        await policies.HoldAsync();
        _database = database.Release();
        if (_database is not null)
        {
            try
            {
                await _database.Closed.WaitAsync(within, time);
            }
            catch (TimeoutException)
            {
                throw new UpgradeException(FormattableString.Invariant($"the database has not finished within {within.TotalSeconds:0} s"));
            }
        }
    }

    /// <summary>Takes it back, or leaves it to the new process.</summary>
    public void End(bool isHandedOver)
    {
        if (isHandedOver)
        {
            socket.Leave();
        }

        _database?.End(comesBack: !isHandedOver);
        policies.Resume(isHandedOver);
    }
}
