using System.Net;
using AdminCli.Tests.Live;
using AdminCli.Tests.Support;
using Microsoft.Playwright;

namespace AdminCli.Tests.Dashboard;

/// <summary>A dashboard for several operators: each is what his token makes him at the relay.</summary>
public sealed class TeamTests(NetworkRelay fixture, Chromium chromium) : IClassFixture<NetworkRelay>, IClassFixture<Chromium>
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Viewer_SeesNoActions_AndAnOperatorDoes()
    {
        using var dashboard = await StartAsync();
        await fixture.Relay.EnterAsync("127.0.0.5");
        await using var viewer = await LogInAsync(dashboard, await TokenAsync("watch", "read"));
        await Assertions.Expect(viewer["role"]).ToHaveTextAsync("read only");
        await viewer.GoAsync("Connections");
        await BrowserPage.SeesAsync(viewer.Page.GetByRole(AriaRole.Link, new() { Name = "127.0.0.5", Exact = true }));
        Assert.Equal(0, await viewer.Page.GetByRole(AriaRole.Button, new() { Name = "Disconnect" }).CountAsync());
        await viewer.GoAsync("Limits");
        await Assertions.Expect(viewer["total"]).ToBeDisabledAsync();
        Assert.Equal(0, await viewer["apply"].CountAsync());
        foreach (var view in (string[])["Bans", "Drain"])
        {
            await viewer.GoAsync(view);
            Assert.Equal(0, await viewer.Page.Locator("#content form").CountAsync());
        }

        await using var other = await LogInAsync(dashboard, await TokenAsync("operate", "operate"));
        await Assertions.Expect(other["role"]).ToHaveTextAsync("operate");
        await other.GoAsync("Revisions");
        Assert.Equal(0, await other.Page.GetByRole(AriaRole.Button, new() { Name = "Roll back" }).CountAsync());
        await other.GoAsync("Limits");
        await Assertions.Expect(other["total"]).ToBeEnabledAsync();
        viewer.CheckIsClean();
        other.CheckIsClean();
    }

    // Whatever a page shows, the relay decides.
    [Fact]
    public async Task Action_OfATokenThatWasRevokedMeanwhile_IsRefusedByTheRelay()
    {
        using var dashboard = await StartAsync();
        var token = await TokenAsync("leaver", "operate");
        await using var browser = await LogInAsync(dashboard, token);
        await browser.GoAsync("Limits");
        await browser["total"].FillAsync("55");
        await BrowserPage.SeesAsync(browser["would"]);
        Assert.Equal(0, (await fixture.Relay.Cli.RunLineAsync($"token revoke {token.Split('_')[1]}")).ExitCode);
        await browser["apply"].ClickAsync();
        await browser.ConfirmAsync("too late");
        await browser.SeesAsync("revoked");
        Assert.DoesNotContain("too late", (await fixture.Relay.Cli.RunLineAsync("limits history")).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task LogIn_WithAWrongToken_IsUnauthorizedAndSoonLimited()
    {
        using var dashboard = await StartAsync();
        using var client = dashboard.Client(new CookieContainer(), fixture.Authority);
        using var page = await client.GetAsync("/", Cancel);
        Assert.Equal((HttpStatusCode.Redirect, "/login"), (page.StatusCode, page.Headers.Location?.ToString().Replace(dashboard.Root.ToString().TrimEnd('/'), "", StringComparison.Ordinal)));
        for (var i = 0; i < 5; i++)
        {
            using var wrong = await LogInAsync(client, "relay_00000000_wrong");
            Assert.Equal(HttpStatusCode.Unauthorized, wrong.StatusCode);
            Assert.False(wrong.Headers.Contains("Set-Cookie"));
        }

        using var tooMany = await LogInAsync(client, "relay_00000000_wrong");
        Assert.Equal(HttpStatusCode.TooManyRequests, tooMany.StatusCode);
    }

    [Fact]
    public async Task LogOut_EndsTheSessionForWhoeverHasItsCookie()
    {
        using var dashboard = await StartAsync();
        var cookies = new CookieContainer();
        using var client = dashboard.Client(cookies, fixture.Authority);
        using var logIn = await LogInAsync(client, await TokenAsync("goes", "read"));
        Assert.Equal(HttpStatusCode.Redirect, logIn.StatusCode);
        Assert.All((string[])["__Host-", "secure", "httponly", "samesite=strict"], word => Assert.Contains(word, logIn.Headers.GetValues("Set-Cookie").Single(), StringComparison.OrdinalIgnoreCase));
        var stolen = new CookieContainer();
        stolen.Add(cookies.GetCookies(dashboard.Root));
        using var thief = dashboard.Client(stolen, fixture.Authority);
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(thief));
        using var logOut = await client.PostAsync("/logout", null, Cancel);
        Assert.Equal(HttpStatusCode.Redirect, logOut.StatusCode);
        Assert.Equal(HttpStatusCode.Redirect, await StatusAsync(thief));
    }

    private static async Task<HttpStatusCode> StatusAsync(HttpClient client)
    {
        using var answer = await client.GetAsync("/", Cancel);
        return answer.StatusCode;
    }

    private static async Task<HttpResponseMessage> LogInAsync(HttpClient client, string token)
    {
        using var form = new FormUrlEncodedContent([KeyValuePair.Create("token", token)]);
        return await client.PostAsync("/login", form, Cancel);
    }

    private async Task<BrowserPage> LogInAsync(DashboardProcess dashboard, string token)
    {
        var browser = await chromium.OpenAsync(dashboard.Root);
        await browser.Page.GetByLabel("Token").FillAsync(token);
        await browser.Page.GetByRole(AriaRole.Button, new() { Name = "Log in" }).ClickAsync();
        await BrowserPage.SeesAsync(browser["clients"]);
        return browser;
    }

    private async Task<string> TokenAsync(string name, string role)
    {
        var created = await fixture.Relay.Cli.RunLineAsync($"token create --name {name} --role {role}");
        Assert.Equal(0, created.ExitCode);
        return created.Output.Trim();
    }

    private Task<DashboardProcess> StartAsync() => DashboardProcess.StartForTeamAsync(fixture.Address, fixture.Authority);
}
