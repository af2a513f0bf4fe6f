using System.Text.RegularExpressions;
using AdminCli.Tests.Support;
using Microsoft.Playwright;

namespace AdminCli.Tests.Dashboard;

/// <summary>What an operator sees, in a real browser, of a real relay.</summary>
public sealed class ViewsTests(RelayFixture fixture, Chromium chromium) : IClassFixture<RelayFixture>, IClassFixture<Chromium>
{
    private static readonly string[] Views =
        ["Overview", "Addresses", "Explain", "Limits", "Bans", "Revisions", "Decisions", "Connections", "Channels", "Relays", "Peers", "Federation", "Drain", "Audit"];

    [Fact]
    public async Task Views_ShowTheClients()
    {
        var client = await fixture.Relay.EnterAsync("127.0.0.31");
        await client.AskAsync("""{"type":"channel-owner-register","channelId":"news"}""", "channel-owner-registered");
        using var dashboard = await DashboardProcess.StartAsync(fixture.Relay);
        await using var browser = await chromium.OpenAsync(dashboard.Page);
        var page = browser.Page;

        await Assertions.Expect(browser["clients"]).ToContainTextAsync("of 10,000");
        await Assertions.Expect(browser["state"]).ToContainTextAsync("ready");
        await Assertions.Expect(browser["role"]).ToHaveTextAsync("admin");

        await browser.GoAsync("Addresses");
        await page.GetByRole(AriaRole.Link, new() { Name = "127.0.0.31", Exact = true }).ClickAsync();
        await Assertions.Expect(browser["verdict"]).ToContainTextAsync("A connection from 127.0.0.31 would be admitted now");

        await browser.GoAsync("Decisions");
        await BrowserPage.SeesAsync(page.GetByRole(AriaRole.Link, new() { Name = "127.0.0.31", Exact = true }));
        await browser.GoAsync("Connections");
        await BrowserPage.SeesAsync(page.GetByRole(AriaRole.Link, new() { Name = "127.0.0.31", Exact = true }));
        await browser.GoAsync("Channels");
        await BrowserPage.SeesAsync(page.GetByRole(AriaRole.Cell, new() { Name = "news", Exact = true }));
        await browser.GoAsync("Audit");
        await browser.SeesAsync("#");
        browser.CheckIsClean();
    }

    [Fact]
    public async Task Addresses_FilterAndOrder_ShowNoOthers()
    {
        await fixture.Relay.EnterAsync("127.0.7.1");
        await fixture.Relay.EnterAsync("127.0.8.1");
        using var dashboard = await DashboardProcess.StartAsync(fixture.Relay);
        await using var browser = await chromium.OpenAsync(dashboard.Page);
        await browser.GoAsync("Addresses");
        await BrowserPage.SeesAsync(browser.Page.GetByRole(AriaRole.Link, new() { Name = "127.0.8.1", Exact = true }));
        await browser["network"].FillAsync("127.0.7.0/24");
        await browser["network"].PressAsync("Enter");
        await Assertions.Expect(browser.Page.GetByRole(AriaRole.Link, new() { Name = "127.0.8.1", Exact = true })).ToHaveCountAsync(0);
        await BrowserPage.SeesAsync(browser.Page.GetByRole(AriaRole.Link, new() { Name = "127.0.7.1", Exact = true }));
        await browser["network"].FillAsync("10");
        await browser["network"].PressAsync("Enter");
        await browser.SeesAsync("is not a network or IP address");
        browser.CheckIsClean();
    }

    [Fact]
    public async Task Federation_ShowsThisRelayAndWhoIsBlocked()
    {
        const string Blocked = "ed25519:A6EHv_POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg";
        await using var relay = await RelayProcess.StartAsync("--Federation:Admit=Any");
        using var dashboard = await DashboardProcess.StartAsync(relay);
        await using var browser = await chromium.OpenAsync(dashboard.Page);
        await browser.GoAsync("Federation");
        await BrowserPage.SeesAsync(browser.Page.GetByRole(AriaRole.Cell, new() { NameRegex = new Regex(@"^ed25519:\S+ \(this relay\)$") }));
        await BrowserPage.SeesAsync(browser.Page.GetByRole(AriaRole.Cell, new() { Name = "alive", Exact = true }));
        await Assertions.Expect(browser["off"]).ToHaveCountAsync(0);
        await Assertions.Expect(browser.Page.GetByRole(AriaRole.Cell, new() { Name = Blocked, Exact = true })).ToHaveCountAsync(0);

        Assert.Equal(0, (await relay.Cli.RunAsync("federation", "block", Blocked, "--reason", "<b>sends clients astray</b>")).ExitCode);

        await BrowserPage.SeesAsync(browser.Page.GetByRole(AriaRole.Cell, new() { Name = Blocked, Exact = true }));
        await BrowserPage.SeesAsync(browser.Page.GetByRole(AriaRole.Cell, new() { Name = "<b>sends clients astray</b>", Exact = true }));
        browser.CheckIsClean();
    }

    [Theory]
    [InlineData(ColorScheme.Light)]
    [InlineData(ColorScheme.Dark)]
    public async Task Views_OnATelephone_NeedNoHorizontalScrolling(ColorScheme colours)
    {
        var client = await fixture.Relay.EnterAsync("127.0.0.33");
        await client.AskAsync($$"""{"type":"channel-owner-register","channelId":"{{new string(colours == ColorScheme.Dark ? 'd' : 'w', 256)}}"}""", "channel-owner-registered");
        using var dashboard = await DashboardProcess.StartAsync(fixture.Relay);
        await using var browser = await chromium.OpenAsync(dashboard.Page, width: 390, colours);
        await BrowserPage.SeesAsync(browser["clients"]);
        // As the system has it: what is offered is the other.
        await BrowserPage.SeesAsync(browser.Page.GetByRole(AriaRole.Button, new() { Name = colours == ColorScheme.Dark ? "Light colours" : "Dark colours" }));
        foreach (var view in Views)
        {
            await browser.Page.GotoAsync(new Uri(dashboard.Root, view == "Overview" ? "/" : $"/{view.ToLowerInvariant()}").ToString());
            await BrowserPage.SeesAsync(browser.Page.GetByRole(AriaRole.Heading, new() { Name = view, Level = 1 }));
            var wider = await browser.Page.EvaluateAsync<int>("() => document.documentElement.scrollWidth - document.documentElement.clientWidth");
            Assert.True(wider <= 0, $"{view} is {wider} px too wide");
        }

        browser.CheckIsClean();
    }

    [Fact]
    public async Task Relay_LostAndBack_IsSaidWhileThePageIsOpen()
    {
        await using var first = await RelayProcess.StartAsync();
        using var dashboard = await DashboardProcess.StartAsync(first);
        await using var browser = await chromium.OpenAsync(dashboard.Page);
        await BrowserPage.SeesAsync(browser["clients"]);
        await first.KillAsync();
        await Assertions.Expect(browser["lost"]).ToContainTextAsync("Disconnected");

        await using var second = await RelayProcess.StartAsync($"--Admin:Socket={first.Socket}");
        await Assertions.Expect(browser["lost"]).ToHaveCountAsync(0);
        await Assertions.Expect(browser["role"]).ToHaveTextAsync("admin");
        await second.EnterAsync("127.0.0.41");
        await Assertions.Expect(browser["clients"].Locator(".value")).ToHaveTextAsync("1");
        browser.CheckIsClean();
    }
}
