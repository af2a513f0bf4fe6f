using System.Collections.Concurrent;
using System.Net.WebSockets;
using Microsoft.Data.Sqlite;
using Relay.EndToEnd.Support;

namespace Relay.EndToEnd.Rendezvous;

/// <summary>What was answered is on the disk, whatever happens to the process.</summary>
[Trait("Programs", "Started")]
public sealed class RendezvousCrashTests
{
    /// <summary>Two relays side by side, because a start takes most of the time.</summary>
    [Fact]
    public async Task Kill_FiftyTimesInMidTraffic_LosesNothingThatWasAnswered()
    {
        using var first = new KilledRelay(seed: 1);
        using var second = new KilledRelay(seed: 2);

        await Task.WhenAll(first.RunAsync(kills: 25), second.RunAsync(kills: 25));
    }
}

/// <summary>One database, and the relays on it that are killed one after another.</summary>
internal sealed class KilledRelay(int seed) : IDisposable
{
    private const int PointsEach = 5;

    private readonly string _folder = Directory.CreateTempSubdirectory("relay-test-").FullName;
    private readonly Random _random = new(seed);

    // Each registration has a number; its points and their letters are made from it.
    private readonly ConcurrentQueue<int> _answered = [];
    private readonly ConcurrentDictionary<int, bool> _unanswered = [];
    private int _lastNumber;

    private string Database => Path.Combine(_folder, "relay.db");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    public async Task RunAsync(int kills)
    {
        for (var kill = 0; kill < kills; kill++)
        {
            await using var relay = await StartAsync();
            var clients = await Task.WhenAll("ABCD".Select(last => TestClient.RegisterAsync(relay.Port, $"AAAAA{last}")));
            await CheckAsync(relay.Port);

            var enough = _random.Next(10, 60);
            var traffic = Task.WhenAll(clients.Select(RegisterUntilKilledAsync));
            await Eventually.TrueAsync(() => _answered.Count >= enough || traffic.IsCompleted, "registrations are answered");
            await relay.KillAsync();
            await traffic.WaitAsync(TestClient.Timeout);
            Assert.True(_answered.Count >= enough, "killed in mid-traffic");
            await Task.WhenAll(clients.Select(client => client.DisposeAsync().AsTask()));
        }

        await using var last = await StartAsync();
        await CheckAsync(last.Port);
        Assert.Equal(0, await StopAsync(last));
        AssertWhole();
    }

    private Task<RelayProcess> StartAsync() => RelayProcess.StartAsync(
        $"--Storage:File={Database}", "--Sessions:MessagesPerMinute=1000000", "--Rendezvous:RowsPerIdentity=100000");

    private static async Task<int> StopAsync(RelayProcess relay)
    {
        await relay.SignalAsync("TERM");
        return await relay.ExitAsync();
    }

    private async Task RegisterUntilKilledAsync(TestClient client)
    {
        try
        {
            while (true)
            {
                var number = Interlocked.Increment(ref _lastNumber);
                _unanswered[number] = true;
                await client.PutAsync(
                    $"'dailyPoints':[{Points(number)}],'deadDrops':{{{string.Join(',', Enumerable.Range(0, PointsEach).Select(i => $"'{number}-{i}':'letter {number}-{i}'"))}}},"
                    + $"'hourlyTokens':['token {number}']");
                await client.ExpectAsync("rendezvous_result");
                _unanswered.Remove(number, out _);
                _answered.Enqueue(number);
            }
        }
        catch (Exception exception) when (exception is WebSocketException or IOException)
        {
            // Killed.
        }
    }

    /// <summary>Everything answered since the last look is there, nothing is there by half, and nobody is here who is not.</summary>
    private async Task CheckAsync(int port)
    {
        await using var asker = await TestClient.RegisterAsync(port, "ZZZZZZ");
        foreach (var numbers in Take(_answered).Chunk(50 / PointsEach))
        {
            var found = await asker.MeetAsync(
                $"'dailyPoints':[{string.Join(',', numbers.Select(Points))}],'hourlyTokens':[{string.Join(',', numbers.Select(number => $"'token {number}'"))}]");
            Assert.Equal(
                numbers.SelectMany(number => Enumerable.Range(0, PointsEach).Select(i => $"letter {number}-{i}")), found.Drops());

            // The holders' names are connected again; their tokens went with the process.
            Assert.Empty(found.Matches());
        }

        foreach (var (number, _) in _unanswered)
        {
            Assert.Contains((await asker.MeetAsync($"'dailyPoints':[{Points(number)}]")).Drops().Length, new[] { 0, PointsEach });
        }

        _unanswered.Clear();
        AssertWhole();
    }

    private void AssertWhole()
    {
        if (TestStorage.IsPostgres)
        {
            return;
        }

        using var connection = new SqliteConnection($"Data Source={Database};Mode=ReadOnly;Pooling=false");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = "PRAGMA integrity_check";
        Assert.Equal("ok", command.ExecuteScalar());
    }

    private static string Points(int number) => string.Join(',', Enumerable.Range(0, PointsEach).Select(i => $"'{number}-{i}'"));

    private static List<int> Take(ConcurrentQueue<int> queue)
    {
        var taken = new List<int>();
        while (queue.TryDequeue(out var number))
        {
            taken.Add(number);
        }

        return taken;
    }
}
