using System.Collections.Concurrent;
using System.Net.Sockets;
using System.Net.WebSockets;

namespace Relay.Benchmarks.Soak;

/// <summary>Many workers, each of which plays one scene after the other, drawn at random, and counts what became of it.</summary>
internal sealed class SoakTraffic(int port)
{
    /// <summary>Loopback addresses that clients come from.</summary>
    public const int Addresses = 8;

    private const int Workers = 24;
    private const string Alphabet = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789";

    private static readonly (string Name, Func<SoakTraffic, Task> Play)[] Scenes =
    [
        ("pair", SignalingScenes.PairAsync),
        ("link", SignalingScenes.LinkAsync),
        ("relay", MeetingScenes.RelayAsync),
        ("rendezvous", MeetingScenes.RendezvousAsync),
        ("upstream", ChannelScenes.UpstreamAsync),
        ("stream", ChannelScenes.StreamAsync),
        ("slow", ChannelScenes.SlowAsync),
        ("chunk", ChunkScenes.PullAsync),
        ("garbage", GarbageScenes.SendAsync),
    ];

    private readonly ConcurrentDictionary<string, long> _played = new();
    private readonly ConcurrentDictionary<string, long> _answers = new();
    private readonly ConcurrentQueue<string> _failures = new();
    private long _names;

    public static string Key { get; } = Convert.ToBase64String(new byte[32]);

    public int Port => port;

    public IReadOnlyCollection<string> Failures => _failures;

    public string Summary => $"{Line(_played)}\nanswers: {Line(_answers)}";

    /// <summary>Plays until it is told to stop; returns when every client has left.</summary>
    public Task RunAsync(CancellationToken stop) => Task.WhenAll(Enumerable.Range(0, Workers).Select(_ => Task.Run(async () =>
    {
        while (!stop.IsCancellationRequested)
        {
            var (name, play) = Scenes[Next(Scenes.Length)];
            try
            {
                await play(this);
                _played.AddOrUpdate(name, 1, (_, count) => count + 1);
            }
            catch (Exception exception) when (exception is SoakFailure or WebSocketException or SocketException or IOException or OperationCanceledException)
            {
                _failures.Enqueue($"{name}: {exception.GetType().Name}: {exception.Message}");
            }
        }
    })));

    public void Answered(string type) => _answers.AddOrUpdate(type, 1, (_, count) => count + 1);

    public int Next(int below) => Random.Shared.Next(below);

    public bool Chance(int percent) => Next(100) < percent;

    public string NewCode() => string.Concat(Enumerable.Range(0, 6).Select(_ => Alphabet[Next(Alphabet.Length)]));

    /// <summary>A name that nobody else has.</summary>
    public string NewName(string kind) => $"{kind}-{Interlocked.Increment(ref _names)}";

    /// <summary>Text of a random length.</summary>
    public string Text(int atMost) => new('x', 1 + Next(atMost));

    private static string Line(ConcurrentDictionary<string, long> counts) =>
        string.Join("  ", counts.OrderByDescending(count => count.Value).Select(count => FormattableString.Invariant($"{count.Key} {count.Value:#,0}")));
}
