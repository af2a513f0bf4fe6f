using System.Net;
using AdminCli.Tests.Support;

namespace AdminCli.Tests.Dashboard;

/// <summary>Who is let in, and what every answer says about itself.</summary>
public sealed class SignInTests(RelayFixture fixture) : IClassFixture<RelayFixture>
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Address_WorksOnceAndForOneBrowser()
    {
        using var dashboard = await DashboardProcess.StartAsync(fixture.Relay);
        using var stranger = dashboard.Client();
        using var wrong = await stranger.GetAsync("/open?token=wrong", Cancel);
        Assert.Equal(HttpStatusCode.Unauthorized, wrong.StatusCode);
        using var missing = await stranger.GetAsync("/open", Cancel);
        Assert.Equal(HttpStatusCode.Unauthorized, missing.StatusCode);

        var cookies = new CookieContainer();
        using var operatorsOwn = dashboard.Client(cookies);
        using var first = await operatorsOwn.GetAsync(dashboard.Page, Cancel);
        Assert.Equal((HttpStatusCode.Redirect, "/"), (first.StatusCode, first.Headers.Location?.ToString()));
        var cookie = Assert.Single(first.Headers.GetValues("Set-Cookie"));
        Assert.All((string[])["httponly", "samesite=strict", "path=/"], word => Assert.Contains(word, cookie, StringComparison.OrdinalIgnoreCase));
        Assert.DoesNotContain(dashboard.Page.Query.Split('=')[1], cookie, StringComparison.Ordinal);

        using var page = await operatorsOwn.GetAsync("/", Cancel);
        Assert.Equal(HttpStatusCode.OK, page.StatusCode);
        using var again = await operatorsOwn.GetAsync(dashboard.Page, Cancel);
        Assert.Equal(HttpStatusCode.Redirect, again.StatusCode);
        using var second = await stranger.GetAsync(dashboard.Page, Cancel);
        Assert.Equal(HttpStatusCode.Unauthorized, second.StatusCode);
    }

    [Theory]
    [InlineData("GET", "/")]
    [InlineData("GET", "/limits")]
    [InlineData("POST", "/_blazor/negotiate?negotiateVersion=1")]
    [InlineData("GET", "/_blazor?id=x")]
    [InlineData("GET", "/nothing/here")]
    [InlineData("POST", "/logout")]
    public async Task Request_WithoutTheCookie_IsUnauthorized(string method, string path)
    {
        using var dashboard = await DashboardProcess.StartAsync(fixture.Relay);
        using var stranger = dashboard.Client();
        using var request = new HttpRequestMessage(new HttpMethod(method), path);
        using var answer = await stranger.SendAsync(request, Cancel);
        Assert.Equal(HttpStatusCode.Unauthorized, answer.StatusCode);
        Assert.Contains("relayctl dashboard", await answer.Content.ReadAsStringAsync(Cancel), StringComparison.Ordinal);
    }

    // DNS rebinding: a name of the attacker's that leads to this machine.
    [Theory]
    [InlineData("Host", "relay.attacker.example", HttpStatusCode.BadRequest)]
    [InlineData("Origin", "http://attacker.example", HttpStatusCode.Forbidden)]
    [InlineData("Origin", "http://127.0.0.1:1", HttpStatusCode.Forbidden)]
    [InlineData("Origin", "null", HttpStatusCode.Forbidden)]
    [InlineData("Sec-Fetch-Site", "cross-site", HttpStatusCode.Forbidden)]
    [InlineData("Sec-Fetch-Site", "same-site", HttpStatusCode.Forbidden)]
    public async Task Request_OfAnotherOrigin_IsRefusedAlsoWithTheCookie(string header, string value, HttpStatusCode status)
    {
        using var dashboard = await DashboardProcess.StartAsync(fixture.Relay);
        using var client = dashboard.Client(new CookieContainer());
        using var opened = await client.GetAsync(dashboard.Page, Cancel);
        foreach (var path in (string[])["/", "/_blazor/negotiate?negotiateVersion=1"])
        {
            using var request = new HttpRequestMessage(path == "/" ? HttpMethod.Get : HttpMethod.Post, path);
            request.Headers.TryAddWithoutValidation(header, value);
            using var answer = await client.SendAsync(request, Cancel);
            Assert.Equal(status, answer.StatusCode);
        }
    }

    [Fact]
    public async Task EveryAnswer_ForbidsScriptsOfOthersAndFrames()
    {
        using var dashboard = await DashboardProcess.StartAsync(fixture.Relay);
        using var client = dashboard.Client(new CookieContainer());
        foreach (var path in (string[])["/", dashboard.Page.PathAndQuery, "/", "/dashboard.css", "/_framework/blazor.web.js", "/nothing"])
        {
            using var answer = await client.GetAsync(path, Cancel);
            var policy = Assert.Single(answer.Headers.GetValues("Content-Security-Policy"));
            Assert.Contains("default-src 'none'; script-src 'self';", policy, StringComparison.Ordinal);
            Assert.Contains("frame-ancestors 'none'", policy, StringComparison.Ordinal);
            Assert.Equal("nosniff", Assert.Single(answer.Headers.GetValues("X-Content-Type-Options")));
        }
    }

    [Fact]
    public async Task Interrupt_EndsItWithoutAnError()
    {
        using var dashboard = await DashboardProcess.StartAsync(fixture.Relay);
        var result = await dashboard.InterruptAsync();
        Assert.Equal((0, ""), (result.ExitCode, result.Error));
        Assert.Contains("ssh -L", result.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Port_InUse_IsSaid()
    {
        using var dashboard = await DashboardProcess.StartAsync(fixture.Relay);
        var result = await ChildProcess.RunAsync(ChildProcess.Relayctl, ["--server", fixture.Relay.Socket, "dashboard", "--no-open", "--port", $"{dashboard.Root.Port}"]);
        Assert.Equal(1, result.ExitCode);
        Assert.Contains("Cannot listen on 127.0.0.1:", result.Error, StringComparison.Ordinal);
    }
}
