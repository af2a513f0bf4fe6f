namespace Relay.Benchmarks.Hostile.Honest;

/// <summary>Two clients pair, and a browser links with a phone; in both cases the one that is asked declines strangers.</summary>
internal sealed class MeetingScene(HonestSetting setting) : HonestScene(setting)
{
    private const string Browser = "Honest browser";
    private const int MaxAsked = 10;

    private static readonly TimeSpan AskAgain = TimeSpan.FromSeconds(2);

    private HonestClient _asking = null!;
    private HonestClient _asked = null!;
    private HonestClient _browser = null!;
    private HonestClient _phone = null!;

    /// <summary>The code whose ten places for pair requests strangers may fight over.</summary>
    public string Target => _asked.Code;

    /// <summary>The code of the phone.</summary>
    public string Phone => _phone.Code;

    // Ten pair requests a minute are allowed.
    protected override TimeSpan Interval => Setting.RoundInterval * 2;

    public override async Task StartAsync()
    {
        _asking = await JoinAsync();
        _asked = await JoinAsync();
        _browser = await JoinAsync();
        _phone = await JoinAsync();
    }

    protected override async Task PlayRoundAsync(int round)
    {
        await _asking.SendAsync($$"""{"type":"pair_request","targetCode":"{{_asked.Code}}"}""");
        await _asked.ExpectAsync("pair_incoming", request => request.GetProperty("fromCode").GetString() == _asking.Code);
        await _asked.SendAsync($$"""{"type":"pair_response","targetCode":"{{_asking.Code}}","accepted":true}""");
        await _asking.ExpectAsync("pair_matched");
        await _asked.ExpectAsync("pair_matched");
        await LinkAsync();
    }

    // What the phone declines may have made room just then: its answer, which names no browser, is the next one's. Then that asks again.
    private async Task LinkAsync()
    {
        var asked = 0;
        var shown = "";
        while (shown != Browser)
        {
            var message = asked == 0 ? null : await _phone.NextAsync(AskAgain);
            if (message is null)
            {
                if (asked++ > MaxAsked)
                {
                    throw new HonestFault(Harm.Lost, "a phone never saw the request of an honest browser");
                }

                await _browser.SendAsync(
                    $$"""{"type":"link_request","linkCode":"{{_phone.Code}}","publicKey":"{{HonestClient.Key}}","deviceName":"{{Browser}}"}""");
            }
            else if (message.Value.TryGetProperty("deviceName", out var name) && (shown = name.GetString()) != Browser)
            {
                await _phone.SendAsync($$"""{"type":"link_response","linkCode":"{{_phone.Code}}","accepted":false}""");
            }
        }

        await _phone.SendAsync($$"""{"type":"link_response","linkCode":"{{_phone.Code}}","accepted":true}""");
        await _browser.ExpectAsync("link_matched");
        await _phone.ExpectAsync("link_matched");
    }
}
