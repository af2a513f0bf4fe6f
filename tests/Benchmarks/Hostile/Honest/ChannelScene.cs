using System.Text.Json;

namespace Relay.Benchmarks.Hostile.Honest;

/// <summary>
/// A channel's owner streams numbered frames to three subscribers, one of whom writes to it; and a message that waits for an
/// owner who comes at the end.
/// </summary>
internal sealed class ChannelScene(HonestSetting setting) : HonestScene(setting)
{
    /// <summary>The channel that strangers may subscribe to as well.</summary>
    public const string Channel = "honest-news";

    private const string Later = "honest-later";
    private const int Subscribers = 3;

    private readonly HonestClient[] _subscribers = new HonestClient[Subscribers];
    private HonestClient _owner = null!;

    protected override TimeSpan Interval => Setting.OfferInterval * 2;

    public override async Task StartAsync()
    {
        _owner = await JoinAsync();
        await _owner.SendAsync($$"""{"type":"channel-owner-register","channelId":"{{Channel}}"}""");
        await _owner.ExpectAsync("channel-owner-registered");
        for (var i = 0; i < Subscribers; i++)
        {
            _subscribers[i] = await JoinAsync();
            await _subscribers[i].SendAsync($$"""{"type":"channel-subscribe","channelId":"{{Channel}}"}""");
            await _subscribers[i].ExpectAsync("channel-subscribed");
        }

        await _owner.SendAsync($$"""{"type":"stream-start","streamId":"s","channelId":"{{Channel}}","title":"News"}""");
        await _owner.ExpectAsync("stream-started");
        await _subscribers[0].SendAsync($$"""{"type":"channel-subscribe","channelId":"{{Later}}"}""");
        await _subscribers[0].ExpectAsync("channel-subscribed");
        await UpstreamAsync(Later, 0);
    }

    protected override async Task PlayRoundAsync(int round)
    {
        await _owner.SendAsync($$"""{"type":"stream-frame","streamId":"s","channelId":"{{Channel}}","frame":{{round}}}""");
        foreach (var subscriber in _subscribers)
        {
            var frame = await subscriber.ExpectAsync("stream-frame");
            if (frame.GetProperty("frame").GetInt32() != round)
            {
                throw new HonestFault(Harm.Lost, $"{subscriber.Code} got {frame} instead of frame {round}");
            }
        }

        if (round % 10 == 0)
        {
            await UpstreamAsync(Channel, round);
            await _owner.ExpectAsync("upstream-message", message => IsOurs(message, round));
        }
    }

    protected override async Task FindAsync()
    {
        var owner = await JoinAsync();
        await owner.SendAsync($$"""{"type":"channel-owner-register","channelId":"{{Later}}"}""");
        await owner.ExpectAsync("upstream-message", message => IsOurs(message, 0));
    }

    private async Task UpstreamAsync(string channel, int number)
    {
        await _subscribers[0].SendAsync(
            $$$"""{"type":"upstream-message","channelId":"{{{channel}}}","message":{"id":"honest","number":{{{number}}}},"ephemeralPublicKey":"k"}""");
        await _subscribers[0].ExpectAsync("upstream-ack");
    }

    private static bool IsOurs(JsonElement message, int number) =>
        message.GetProperty("message") is { ValueKind: JsonValueKind.Object } text
        && text.TryGetProperty("number", out var found)
        && found.GetInt32() == number;
}
