using System.Globalization;

namespace Relay.Benchmarks.Hostile.Honest;

/// <summary>
/// A client on a slow line: it reads 200 KB a second. A friend sends it a small offer in every round, which must arrive, and
/// nothing that strangers send may close it.
/// </summary>
/// <param name="setting">The others.</param>
/// <param name="channel">A channel that it subscribes to; null: none.</param>
internal sealed class SlowScene(HonestSetting setting, string? channel = null) : HonestScene(setting)
{
    private const int BytesAtOnce = 10_000;
    private const int MillisecondsBetween = 50;

    private readonly CancellationTokenSource _stop = new();
    private readonly SemaphoreSlim _arrived = new(0);
    private AttackSocket _slow = null!;
    private HonestClient _friend = null!;
    private Task _reading = Task.CompletedTask;
    private int _sent;
    private int _received;

    public string Code { get; } = setting.NewCode();

    public override async Task StartAsync()
    {
        _friend = await JoinAsync();
        _slow = AttackSocket.TryConnect(Setting.NewAddress(), Setting.Port, receiveBytes: 16 * 1024)!;
        _slow.TryUpgrade();
        _slow.Queue($$"""{"type":"register","pairingCode":"{{Code}}","publicKey":"{{HonestClient.Key}}"}""");
        if (channel is not null)
        {
            _slow.Queue($$"""{"type":"channel-subscribe","channelId":"{{channel}}"}""");
        }

        if (_slow.Await("\"registered\"") is null)
        {
            throw new HonestFault(Harm.Refused, "the slow client could not register");
        }

        _reading = ReadAsync();
    }

    protected override async Task PlayRoundAsync(int round)
    {
        await _friend.SendAsync(string.Create(CultureInfo.InvariantCulture, $$$"""{"type":"offer","target":"{{{Code}}}","payload":{"friend":{{{round}}}}}"""));
        _sent++;
    }

    protected override async Task FindAsync()
    {
        // What waits for it is at most 1 MiB: five seconds.
        while (_received < _sent && !_reading.IsCompleted && await _arrived.WaitAsync(HonestClient.Patience))
        {
        }

        await _stop.CancelAsync();
        await _reading;
        _stop.Dispose();
        if (_received < _sent)
        {
            throw new HonestFault(Harm.Lost, $"{_sent - _received} of {_sent} offers of a friend did not reach the client on the slow line");
        }
    }

    private async Task ReadAsync()
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(MillisecondsBetween));
        while (!_slow.IsClosed)
        {
            for (var left = BytesAtOnce; _slow.TryRead(out var text, left); left = 0)
            {
                if (text.Contains("\"friend\"", StringComparison.Ordinal))
                {
                    _received++;
                    _arrived.Release();
                }
            }

            try
            {
                await timer.WaitForNextTickAsync(_stop.Token);
            }
            catch (OperationCanceledException)
            {
                _slow.Dispose();
                return;
            }
        }

        _arrived.Release();
        Setting.Report.Add(new HonestFault(Harm.Closed, $"the client on the slow line was closed: {_slow.CloseReason}"));
    }
}
