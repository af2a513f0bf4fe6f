using System.Collections.Concurrent;
using System.Net.Sockets;

namespace Relay.Benchmarks.Churn;

/// <summary>What came of it.</summary>
/// <param name="Exchanged">Numbered offers that came to the partner in order.</param>
/// <param name="Sent">Offers that were sent to those who come and go.</param>
/// <param name="Proven">Frames that named the client that they came to.</param>
/// <param name="Faults">What the relay should not have done.</param>
internal sealed record ChurnResult(int Connects, long Exchanged, long Sent, long Proven, IReadOnlyCollection<string> Faults);

/// <summary>
/// Connections that end at every stage, one after another on several threads, so that their descriptors are used again at once,
/// beside pairs that stay and send to each other and to those who come and go, from all loops.
/// </summary>
internal static class Churner
{
    /// <summary>What the relay is to be started with: nothing stands in the way of many connections and messages.</summary>
    public static readonly string[] Options =
    [
        "--Admission:PerIp=10000", "--Admission:ConnectRatePerIp=off", "--Admission:ConnectRateTotal=off", "--Admission:OverloadLevel=normal",
        "--Listen:MaxHandshakesPerIp=10000", "--Sessions:MessagesPerMinute=1000000", "--Sessions:BytesPerSecond=1073741824",
        "--Sessions:BytesBurst=1073741824", "--Sessions:PingInterval=1s",
    ];

    private const int Threads = 8;
    private const int Pairs = 6;
    private const int MaxFaults = 20;

    public static ChurnResult Run(int port, int connects)
    {
        var faults = new ConcurrentQueue<string>();
        var codes = new ChurnCodes(Threads);
        var left = connects;
        using var stop = new CancellationTokenSource();
        var pairs = Enumerable.Range(0, Pairs).Select(number => new ChurnPair(number, port, codes)).ToList();
        var stages = Enumerable.Range(0, Threads).Select(number => new ChurnStages(number, port, codes)).ToList();
        var staying = pairs.Select(pair => Start(() => pair.Run(stop.Token), faults)).ToList();
        var going = stages.Select(stage => Start(() => GoOn(stage), faults)).ToList();
        going.ForEach(thread => thread.Join());
        stop.Cancel();
        staying.ForEach(thread => thread.Join());
        return new ChurnResult(
            connects,
            pairs.Sum(pair => pair.Counts.Exchanged),
            pairs.Sum(pair => pair.Counts.Sent),
            pairs.Sum(pair => pair.Proven) + stages.Sum(stage => stage.Proven),
            [.. faults.Take(MaxFaults)]);

        void GoOn(ChurnStages stage)
        {
            while (faults.IsEmpty && Interlocked.Decrement(ref left) >= 0)
            {
                stage.Next();
            }
        }
    }

    private static Thread Start(Action run, ConcurrentQueue<string> faults)
    {
        var thread = new Thread(() => Guard(run, faults));
        thread.Start();
        return thread;
    }

    private static void Guard(Action run, ConcurrentQueue<string> faults)
    {
        try
        {
            run();
        }
        catch (Exception exception) when (exception is ChurnException or SocketException)
        {
            faults.Enqueue(exception is ChurnException ? exception.Message : $"{exception}");
        }
    }
}
