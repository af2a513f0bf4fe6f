namespace Relay.Benchmarks.Hostile.Honest;

/// <summary>What some honest clients do again and again while others attack, and what they find afterwards.</summary>
internal abstract class HonestScene : IAsyncDisposable
{
    private readonly List<HonestClient> _clients = [];
    private Task _playing = Task.CompletedTask;

    protected HonestScene(HonestSetting setting) => Setting = setting;

    protected HonestSetting Setting { get; }

    /// <summary>Time between two rounds.</summary>
    protected virtual TimeSpan Interval => Setting.RoundInterval;

    /// <summary>Connects, and leaves behind what must be found at the end.</summary>
    public abstract Task StartAsync();

    /// <summary>Plays until it is told to stop.</summary>
    public void Play(CancellationToken stop) => _playing = PlayAsync(stop);

    /// <summary>Waits for the last round, and looks for what was left behind.</summary>
    public async Task FinishAsync()
    {
        await _playing;
        await TryAsync(FindAsync);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var client in _clients)
        {
            await client.DisposeAsync();
        }
    }

    protected abstract Task PlayRoundAsync(int round);

    protected virtual Task FindAsync() => Task.CompletedTask;

    /// <summary>A client with a pairing code that stays until the end.</summary>
    protected async Task<HonestClient> JoinAsync()
    {
        var client = await HonestClient.RegisterAsync(Setting.Report, Setting.Port, Setting.NewAddress(), Setting.NewCode());
        _clients.Add(client);
        return client;
    }

    private async Task PlayAsync(CancellationToken stop)
    {
        using var timer = new PeriodicTimer(Interval);
        try
        {
            for (var round = 0; await timer.WaitForNextTickAsync(stop); round++)
            {
                if (!await TryAsync(() => PlayRoundAsync(round)))
                {
                    return;
                }
            }
        }
        catch (OperationCanceledException)
        {
            // Stopped.
        }
    }

    private async Task<bool> TryAsync(Func<Task> play)
    {
        try
        {
            await play();
            return true;
        }
        catch (HonestFault fault)
        {
            Setting.Report.Add(fault);
            return false;
        }
    }
}
