using System.Text.Json;
using AdminCli.Tests.Support;
using Microsoft.Playwright;

namespace AdminCli.Tests.Dashboard;

/// <summary>What an action in the browser does at the relay.</summary>
public sealed class ActionsTests(Chromium chromium) : IClassFixture<Chromium>
{
    [Fact]
    public async Task Limits_Changed_AreInForceWithReasonAndCanBeRolledBack()
    {
        await using var relay = await RelayProcess.StartAsync();
        await relay.EnterAsync("127.0.0.5");
        await relay.EnterAsync("127.0.0.5");
        using var dashboard = await DashboardProcess.StartAsync(relay);
        await using var browser = await chromium.OpenAsync(dashboard.Page);
        await browser.GoAsync("Limits");
        await browser["per-ip"].FillAsync("no number");
        await Assertions.Expect(browser["problem"]).ToContainTextAsync("per-ip cannot be");
        await Assertions.Expect(browser["apply"]).ToBeDisabledAsync();
        await browser["per-ip"].FillAsync("1");
        await Assertions.Expect(browser["would"]).ToContainTextAsync("1 of 2 clients are above the new limits");
        Assert.NotEqual(1, await PerIpAsync(relay));

        await browser["apply"].ClickAsync();
        await browser.ConfirmAsync("too many tabs");
        await browser.SeesAsync("is in force");
        Assert.Equal(1, await PerIpAsync(relay));
        Assert.Contains("too many tabs", (await relay.Cli.RunLineAsync("limits history")).Output, StringComparison.Ordinal);

        await browser.GoAsync("Revisions");
        await browser.SeesAsync("too many tabs");
        await browser.Page.GetByRole(AriaRole.Button, new() { Name = "Roll back to revision 1", Exact = true }).ClickAsync();
        await browser.ConfirmAsync("a mistake");
        await browser.SeesAsync("has the limits of revision 1");
        Assert.NotEqual(1, await PerIpAsync(relay));
        browser.CheckIsClean();
    }

    [Fact]
    public async Task Limits_ThatMustBeConfirmed_CanBe()
    {
        await using var relay = await RelayProcess.StartAsync();
        using var dashboard = await DashboardProcess.StartAsync(relay);
        await using var browser = await chromium.OpenAsync(dashboard.Page);
        await browser.GoAsync("Limits");
        await browser["total"].FillAsync("77");
        await browser["confirm-within"].SelectOptionAsync("5");
        await BrowserPage.SeesAsync(browser["would"]);
        await browser["apply"].ClickAsync();
        await browser.ConfirmAsync("");
        await Assertions.Expect(browser["pending"]).ToContainTextAsync("unless it is confirmed");
        await browser["pending"].GetByRole(AriaRole.Button, new() { Name = "Confirm" }).ClickAsync();
        await browser["do"].ClickAsync();
        await Assertions.Expect(browser["pending"]).ToHaveCountAsync(0);
        Assert.Contains("77", (await relay.Cli.RunLineAsync("limits")).Output, StringComparison.Ordinal);
        browser.CheckIsClean();
    }

    [Fact]
    public async Task Limits_OfTwoOperatorsAtOnce_AreNotOverwrittenUnseen()
    {
        await using var relay = await RelayProcess.StartAsync();
        using var hers = await DashboardProcess.StartAsync(relay);
        using var his = await DashboardProcess.StartAsync(relay);
        await using var she = await chromium.OpenAsync(hers.Page);
        await using var he = await chromium.OpenAsync(his.Page);
        await she.GoAsync("Limits");
        await he.GoAsync("Limits");
        await she["total"].FillAsync("50");
        await BrowserPage.SeesAsync(she["would"]);
        await he["total"].FillAsync("60");
        await BrowserPage.SeesAsync(he["would"]);
        await he["apply"].ClickAsync();
        await he.ConfirmAsync("his");
        await he.SeesAsync("is in force");

        // She is told, and what she looked at is not done to what she has not seen.
        await BrowserPage.SeesAsync(she["newer"]);
        await she["apply"].ClickAsync();
        await she.ConfirmAsync("hers");
        await she.SeesAsync("revision");
        Assert.Contains("60", (await relay.Cli.RunLineAsync("limits")).Output, StringComparison.Ordinal);
        Assert.DoesNotContain("hers", (await relay.Cli.RunLineAsync("limits history")).Output, StringComparison.Ordinal);
        await she["newer"].GetByRole(AriaRole.Button).ClickAsync();
        await Assertions.Expect(she["total"]).ToHaveValueAsync("60");
        she.CheckIsClean();
        he.CheckIsClean();
    }

    [Fact]
    public async Task Client_DisconnectedAndBanned_IsGoneAndStaysOut()
    {
        await using var relay = await RelayProcess.StartAsync();
        var client = await relay.EnterAsync("127.0.0.9");
        using var dashboard = await DashboardProcess.StartAsync(relay);
        await using var browser = await chromium.OpenAsync(dashboard.Page);
        await browser.GoAsync("Connections");
        await browser.Page.GetByRole(AriaRole.Button, new() { Name = "Disconnect " }).First.ClickAsync();
        await browser.ConfirmAsync("test");
        Assert.Equal(1008, (await client.ClosedAsync()).Code);

        await browser.GoAsync("Bans");
        await browser["ban-network"].FillAsync("127.0.0.0/24");
        await browser.Page.GetByRole(AriaRole.Button, new() { Name = "Ban", Exact = true }).ClickAsync();
        await browser.SeesAsync("is protected");
        await browser["ban-network"].FillAsync("203.0.113.0/24");
        await browser.Page.GetByRole(AriaRole.Button, new() { Name = "Ban", Exact = true }).ClickAsync();
        await browser.ConfirmAsync("floods us");
        await BrowserPage.SeesAsync(browser.Page.GetByRole(AriaRole.Cell, new() { Name = "203.0.113.0/24", Exact = true }));
        Assert.Contains("floods us", (await relay.Cli.RunLineAsync("bans")).Output, StringComparison.Ordinal);
        browser.CheckIsClean();
    }

    [Fact]
    public async Task Drain_StartedAndCancelled_ShowsItsProgress()
    {
        await using var relay = await RelayProcess.StartAsync();
        await relay.EnterAsync("127.0.0.9");
        using var dashboard = await DashboardProcess.StartAsync(relay);
        await using var browser = await chromium.OpenAsync(dashboard.Page);
        await browser.GoAsync("Drain");
        await browser.Page.GetByRole(AriaRole.Button, new() { Name = "Drain", Exact = true }).ClickAsync();
        await browser.ConfirmAsync("an upgrade");
        await Assertions.Expect(browser["state"]).ToContainTextAsync("The relay is draining. 0 clients");
        await Assertions.Expect(browser["progress"]).ToContainTextAsync("0 of");
        await browser.Page.GetByRole(AriaRole.Button, new() { Name = "Cancel the drain" }).ClickAsync();
        await browser.ConfirmAsync("");
        await Assertions.Expect(browser["state"]).ToContainTextAsync("The relay is ready");
        browser.CheckIsClean();
    }

    private static async Task<int> PerIpAsync(RelayProcess relay)
    {
        using var json = JsonDocument.Parse((await relay.Cli.RunLineAsync("stats -o json")).Output);
        return json.RootElement.GetProperty("limits").GetProperty("perIp").GetInt32();
    }
}
