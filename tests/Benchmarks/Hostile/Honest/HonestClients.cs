namespace Relay.Benchmarks.Hostile.Honest;

/// <summary>Everybody who is on the relay and keeps the rules while others attack it.</summary>
internal sealed class HonestClients : IAsyncDisposable
{
    private const int Pairs = 20;

    private readonly CancellationTokenSource _stop = new();
    private readonly List<HonestScene> _scenes = [];
    private readonly HonestSetting _setting;

    private HonestClients(HonestSetting setting) => _setting = setting;

    public HonestReport Report => _setting.Report;

    /// <summary>Those who play this scene; the last where several do.</summary>
    public T Scene<T>()
        where T : HonestScene => _scenes.OfType<T>().Last();

    public static async Task<HonestClients> StartAsync(HonestSetting setting)
    {
        var clients = new HonestClients(setting);
        await clients.AddAsync(new MeetingScene(setting));
        await clients.AddAsync(new ChannelScene(setting));
        await clients.AddAsync(new ChunkScene(setting));
        await clients.AddAsync(new RendezvousScene(setting));
        await clients.AddAsync(new VisitorScene(setting));
        await clients.AddAsync(new OperatorScene(setting));
        for (var i = 0; i < Pairs; i++)
        {
            await clients.AddAsync(new PairScene(setting));
        }

        return clients;
    }

    /// <summary>One more that plays until the end.</summary>
    public async Task AddAsync(HonestScene scene)
    {
        _scenes.Add(scene);
        await scene.StartAsync();
        scene.Play(_stop.Token);
    }

    /// <summary>Ends their rounds, and has them look for what was sent to them and kept for them.</summary>
    public async Task FinishAsync()
    {
        await _stop.CancelAsync();
        await Task.WhenAll(_scenes.Select(scene => scene.FinishAsync()));
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        foreach (var scene in _scenes)
        {
            await scene.DisposeAsync();
        }

        _stop.Dispose();
    }
}
