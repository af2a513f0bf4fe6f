using Relay.Admission;
using Relay.Cluster;
using Counts = Relay.Cluster.V1.Counts;

namespace Relay.Upgrade;

/// <summary>
/// What the old process still holds, as it tells the new one and as that takes it: an address has one limit for both. In a cluster the two are
/// nodes, and tell each other already.
/// </summary>
internal sealed class RemainingClients(CountsPublisher publisher, RemoteCounts remote, ClusterOptions cluster, TimeProvider time)
{
    // No other node has it: epochs are microseconds since 1970.
    private const ulong Epoch = 0;

    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(250);

    // The thread that takes them.
    private readonly List<RemoteGrowth> _grown = [];

    /// <summary>All that this process holds.</summary>
    public IReadOnlyList<Counts> Read() => cluster.IsOn ? [] : publisher.All();

    /// <summary>The old process: tells what it holds, until it is stopped.</summary>
    public async Task TellAsync(NewProcess next, CancellationToken stop)
    {
        using var timer = new PeriodicTimer(Interval, time);
        try
        {
            do
            {
                await next.TellAsync(Read());
            }
            while (await timer.WaitForNextTickAsync(stop));
        }
        catch (Exception exception) when (exception is OperationCanceledException or UpgradeException)
        {
            // This process ends, or the new one has.
        }
    }

    /// <summary>The new process: takes what the old one told.</summary>
    public void Take(Counts counts) => remote.Apply(Epoch, counts, _grown);

    /// <summary>The new process: the old one is gone.</summary>
    public void Forget() => remote.Forget(Epoch);
}
