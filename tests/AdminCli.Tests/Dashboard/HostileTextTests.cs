using AdminCli.Tests.Support;
using Microsoft.Playwright;

namespace AdminCli.Tests.Dashboard;

/// <summary>Every text that a client or another operator chooses is shown as a text.</summary>
public sealed class HostileTextTests(Chromium chromium) : IClassFixture<Chromium>
{
    // JSON's own escapes are left to the message: no quotes.
    private const string Attack = "<img src=x onerror=alert(1)><script>alert(2)</script>";

    [Fact]
    public async Task Texts_OfClientsAndOperators_AreNeverMarkup()
    {
        await using var relay = await RelayProcess.StartAsync();
        var client = await relay.EnterAsync("127.0.0.5");
        await client.AskAsync($$"""{"type":"channel-owner-register","channelId":"{{Attack}}"}""", "channel-owner-registered");
        foreach (var line in (string[][])[["set-limit", "--total", "900", "--reason", Attack], ["ban", "203.0.113.7", "--reason", Attack]])
        {
            Assert.Equal(0, (await relay.Cli.RunAsync(line)).ExitCode);
        }

        using var dashboard = await DashboardProcess.StartAsync(relay);
        await using var browser = await chromium.OpenAsync(dashboard.Page);
        foreach (var view in (string[])["Channels", "Revisions", "Bans", "Audit"])
        {
            await browser.GoAsync(view);
            await BrowserPage.SeesAsync(browser.Page.GetByRole(AriaRole.Cell).Filter(new() { HasText = Attack }));
            Assert.Equal(0, await browser.Page.Locator("#content img, #content script").CountAsync());
        }

        await browser.Page.GotoAsync(new Uri(dashboard.Root, $"/explain?address={Uri.EscapeDataString(Attack)}").ToString());
        await BrowserPage.SeesAsync(browser.Page.Locator(".mud-alert"));
        Assert.Equal(0, await browser.Page.Locator("#content img, #content script").CountAsync());
        browser.CheckIsClean();
    }
}
