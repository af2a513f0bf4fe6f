using System.Collections.Concurrent;
using Relay.EndToEnd.Support;

namespace Relay.EndToEnd.Cluster.Chaos;

/// <summary>Pairs of clients on all nodes that send each other numbered messages, and what came of these.</summary>
internal sealed class ChaosTraffic : IDisposable
{
    private readonly ConcurrentDictionary<long, ChaosRecord> _records = [];
    private readonly ConcurrentDictionary<string, long> _last = [];
    private readonly ConcurrentQueue<string> _violations = [];
    private readonly CancellationTokenSource _stop = new();
    private readonly Task[] _running;
    private readonly string[] _codes;
    private long _ids;

    /// <param name="pairs">Half of them with one message on its way at a time, half with eight.</param>
    public ChaosTraffic(ChaosCluster cluster, int pairs, Random random)
    {
        _codes = [.. Enumerable.Range(0, pairs * 2).Select(number => $"AAAAA{(char)('A' + number + (number >= 8 ? 1 : 0))}")];
        _running =
        [
            .. _codes.Select((code, at) =>
            {
                var client = new ChaosClient(cluster, this, code, _codes[at ^ 1], at % 4 < 2 ? 1 : 8, random.Next());
                return Task.Run(() => client.RunAsync(_stop.Token));
            }),
        ];
    }

    public long Arrived => _records.Values.Sum(record => (long)record.Arrived);

    public long Lost => _records.Values.Sum(record => (long)record.Lost);

    public int Connections => _records.Count;

    public void Report(string violation) => _violations.Enqueue(violation);

    public (long Id, ChaosRecord Record) Begin(string code, string partner)
    {
        var id = Interlocked.Increment(ref _ids);
        var record = new ChaosRecord(id, partner, Report);
        _records[id] = record;
        _last[code] = id;
        return (id, record);
    }

    /// <summary>A connection of this code has ended, and with it what was on its way from it and, where it was cut without a close frame, to it.</summary>
    public void End(string code, ChaosRecord own, bool isCut)
    {
        own.End();
        if (isCut)
        {
            Cut(code);
        }
    }

    /// <summary>What was on its way to a connection of this code is lost with it.</summary>
    public void Cut(string code)
    {
        foreach (var record in _records.Values.Where(record => record.Target == code))
        {
            record.End();
        }
    }

    public void Arrive(long from, int number, long at)
    {
        if (_records.TryGetValue(from, out var record))
        {
            record.Arrive(number, at);
        }
        else
        {
            Report($"a message of connection {from}, which there never was, came to {at}");
        }
    }

    /// <summary>Waits until every client has passed more messages to its partner, from the connection that it has now.</summary>
    public async Task FlowAsync()
    {
        const int More = 20;
        var before = _codes.ToDictionary(code => code, Latest);
        await Eventually.TrueAsync(
            () => !_violations.IsEmpty || Array.Exists(_running, task => task.IsCompleted) || Array.TrueForAll(_codes, HasPassedMore), "all clients go on", ChaosCluster.Patience);
        await Task.WhenAll(Array.FindAll(_running, task => task.IsCompleted));
        Assert.True(_violations.IsEmpty, string.Join('\n', _violations.Take(20)));

        bool HasPassedMore(string code) => Latest(code) is var now && now.Arrived - (now.Id == before[code].Id ? before[code].Arrived : 0) >= More;
    }

    /// <summary>No more is sent, and every message has arrived or was answered.</summary>
    public Task RestAsync() => Eventually.TrueAsync(() => _records.Values.All(record => record.Waiting == 0), "nothing is on its way", ChaosCluster.Patience);

    public async Task StopAsync()
    {
        await _stop.CancelAsync();
        await Task.WhenAll(_running).WaitAsync(ChaosCluster.Patience * 2);
        Assert.True(_violations.IsEmpty, string.Join('\n', _violations.Take(20)));
    }

    public void Dispose()
    {
        _stop.Cancel();
        _stop.Dispose();
    }

    private (long Id, int Arrived) Latest(string code) => _last.TryGetValue(code, out var id) ? (id, _records[id].Arrived) : default;
}
