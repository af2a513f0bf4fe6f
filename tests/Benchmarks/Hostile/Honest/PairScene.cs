using System.Diagnostics;
using System.Globalization;
using System.Text.Json;

namespace Relay.Benchmarks.Hostile.Honest;

/// <summary>Two clients: one sends numbered offers of 1 KB, the other answers each, and the first measures the round trip.</summary>
internal sealed class PairScene(HonestSetting setting) : HonestScene(setting)
{
    private static readonly string Sdp = new('v', 1000);

    private readonly CancellationTokenSource _stop = new();
    private HonestClient _caller = null!;
    private HonestClient _callee = null!;
    private Task _answering = Task.CompletedTask;
    private Task _measuring = Task.CompletedTask;

    // Atomic.
    private int _sent;
    private int _answered;

    protected override TimeSpan Interval => Setting.OfferInterval;

    public override async Task StartAsync()
    {
        _caller = await JoinAsync();
        _callee = await JoinAsync();
        _answering = ReadAsync(_callee, "offer", AnswerAsync);
        _measuring = ReadAsync(_caller, "answer", Measure);
    }

    protected override async Task PlayRoundAsync(int round)
    {
        var number = Interlocked.Increment(ref _sent);
        await _caller.SendAsync(string.Create(
            CultureInfo.InvariantCulture,
            $$$"""{"type":"offer","target":"{{{_callee.Code}}}","payload":{"sdp":"{{{Sdp}}}","number":{{{number}}},"sentAt":{{{Stopwatch.GetTimestamp()}}}}}"""));
    }

    protected override async Task FindAsync()
    {
        var begun = Stopwatch.GetTimestamp();
        while (Volatile.Read(ref _answered) < _sent && Stopwatch.GetElapsedTime(begun) < HonestClient.Patience && !_measuring.IsCompleted)
        {
            await Task.Delay(10);
        }

        await _stop.CancelAsync();
        await Task.WhenAll(_answering, _measuring);
        _stop.Dispose();
        if (_sent > _answered)
        {
            throw new HonestFault(Harm.Lost, $"{_sent - _answered} of {_sent} offers of {_caller.Code} were not answered");
        }
    }

    private async Task ReadAsync(HonestClient client, string type, Func<JsonElement, int, Task> take)
    {
        try
        {
            for (var number = 1; !_stop.IsCancellationRequested;)
            {
                if (await client.NextAsync(TimeSpan.FromMilliseconds(200)) is not { } message || IsStrangers(message))
                {
                    continue;
                }

                if (message.GetProperty("type").GetString() != type || message.GetProperty("payload").GetProperty("number").GetInt32() != number)
                {
                    throw new HonestFault(Harm.Refused, $"{client.Code} got {message} instead of {type} {number}");
                }

                await take(message.GetProperty("payload"), number++);
            }
        }
        catch (HonestFault fault)
        {
            Setting.Report.Add(fault);
        }
    }

    private async Task AnswerAsync(JsonElement payload, int number) =>
        await _callee.SendAsync($$"""{"type":"answer","target":"{{_caller.Code}}","payload":{{payload.GetRawText()}}}""");

    private Task Measure(JsonElement payload, int number)
    {
        Setting.Report.RoundTrip(Stopwatch.GetElapsedTime(payload.GetProperty("sentAt").GetInt64()).TotalMilliseconds);
        Interlocked.Increment(ref _answered);
        return Task.CompletedTask;
    }

    // An attacker may call anybody; an application would ignore it.
    private bool IsStrangers(JsonElement message) =>
        message.TryGetProperty("from", out var from) && from.GetString() is { } code && code != _caller.Code && code != _callee.Code;
}
