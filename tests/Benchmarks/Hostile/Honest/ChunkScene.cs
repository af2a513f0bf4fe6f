using System.Globalization;
using System.Text.Json;

namespace Relay.Benchmarks.Hostile.Honest;

/// <summary>
/// A source announces chunks, a reader hears of each and pulls it through the relay; and at the end the reader finds a chunk that
/// is kept although its source has left, and one that was announced at the start and not asked for since.
/// </summary>
internal sealed class ChunkScene(HonestSetting setting) : HonestScene(setting)
{
    /// <summary>The channel that strangers may subscribe to as well.</summary>
    public const string Channel = "honest-content";

    private static readonly string Data = new('d', 10_000);

    private HonestClient _source = null!;
    private HonestClient _reader = null!;

    public override async Task StartAsync()
    {
        _source = await JoinAsync();
        _reader = await JoinAsync();
        await _source.SendAsync($$"""{"type":"channel-owner-register","channelId":"{{Channel}}"}""");
        await _source.ExpectAsync("channel-owner-registered");
        await _reader.SendAsync($$"""{"type":"channel-subscribe","channelId":"{{Channel}}"}""");
        await _reader.ExpectAsync("channel-subscribed");
        await AnnounceAsync(_source, "early");

        await using var leaver = await HonestClient.RegisterAsync(Setting.Report, Setting.Port, Setting.NewAddress(), Setting.NewCode());
        await AnnounceAsync(leaver, "kept");
        await PushAsync(leaver, "kept");
    }

    protected override async Task PlayRoundAsync(int round)
    {
        var chunk = string.Create(CultureInfo.InvariantCulture, $"chunk-{round}");
        await AnnounceAsync(_source, chunk);
        await _reader.ExpectAsync("chunk_available", message => message.GetProperty("chunkIds").EnumerateArray().Any(id => id.GetString() == chunk));
        await RequestAsync(chunk);
        await _source.ExpectAsync("chunk_pull", message => message.GetProperty("chunkId").GetString() == chunk);
        await PushAsync(_source, chunk);
        await ExpectDataAsync(chunk);
    }

    protected override async Task FindAsync()
    {
        await RequestAsync("kept");
        await ExpectDataAsync("kept");
        await RequestAsync("early");
        await _source.ExpectAsync("chunk_pull", message => message.GetProperty("chunkId").GetString() == "early");
        await PushAsync(_source, "early");
        await ExpectDataAsync("early");
    }

    private static async Task AnnounceAsync(HonestClient source, string chunk)
    {
        await source.SendAsync($$"""{"type":"chunk_announce","channelId":"{{Channel}}","chunks":[{"chunkId":"{{chunk}}"}]}""");
        await source.ExpectAsync("chunk_announce_ack");
    }

    private static async Task PushAsync(HonestClient source, string chunk)
    {
        await source.SendAsync($$"""{"type":"chunk_push","chunkId":"{{chunk}}","channelId":"{{Channel}}","data":"{{Data}}"}""");
        await source.ExpectAsync("chunk_push_ack");
    }

    private Task RequestAsync(string chunk) => _reader.SendAsync($$"""{"type":"chunk_request","chunkId":"{{chunk}}","channelId":"{{Channel}}"}""");

    private Task<JsonElement> ExpectDataAsync(string chunk) =>
        _reader.ExpectAsync("chunk_data", message => message.GetProperty("chunkId").GetString() == chunk && message.GetProperty("data").GetString() == Data);
}
