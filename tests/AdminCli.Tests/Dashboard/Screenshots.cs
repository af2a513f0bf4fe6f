using AdminCli.Tests.Support;
using Microsoft.Playwright;

namespace AdminCli.Tests.Dashboard;

/// <summary>Makes the pictures of docs/dashboard.md: `make screenshots`, which names the folder.</summary>
public sealed class Screenshots(Chromium chromium) : IClassFixture<Chromium>
{
    private const string FolderVariable = "RELAY_TEST_SCREENSHOTS";

    [Fact]
    public async Task Write()
    {
        var folder = Environment.GetEnvironmentVariable(FolderVariable);
        Assert.SkipWhen(string.IsNullOrEmpty(folder), $"only for `make screenshots`, which sets {FolderVariable}");
        await using var relay = await RelayProcess.StartAsync("--Admission:PerIp=5", "--Admission:Total=200");
        using var dashboard = await DashboardProcess.StartAsync(relay);
        await using var wide = await chromium.OpenAsync(dashboard.Page, width: 1100);
        // A minute of history: clients come, one address too often, and an operator does something about it.
        for (var second = 0; second < 60; second++)
        {
            await relay.ConnectAsync($"127.0.0.{10 + (second % 40)}");
            await relay.ConnectAsync("127.0.0.66");
            if (second == 30)
            {
                await relay.Cli.RunAsync("set-limit", "--total", "150", "--reason", "evening load");
                await relay.Cli.RunAsync("ban", "203.0.113.0/24", "--for", "1h", "--reason", "scanner");
            }

            await Task.Delay(TimeSpan.FromSeconds(1), TestContext.Current.CancellationToken);
        }

        await BrowserPage.SeesAsync(wide["strip"]);
        await wide.SeesAsync("evening load");
        await ShootAsync("overview");
        await wide.GoAsync("Limits");
        await wide["per-ip"].FillAsync("3");
        await BrowserPage.SeesAsync(wide["would"]);
        await ShootAsync("limits");
        await wide.GoAsync("Addresses");
        await wide.Page.GetByRole(AriaRole.Link, new() { Name = "127.0.0.66", Exact = true }).ClickAsync();
        await BrowserPage.SeesAsync(wide["verdict"]);
        await ShootAsync("explain");
        wide.CheckIsClean();

        async Task ShootAsync(string name)
        {
            // What moves in is in its place.
            await Task.Delay(TimeSpan.FromSeconds(1), TestContext.Current.CancellationToken);
            await wide.Page.ScreenshotAsync(new() { Path = Path.Combine(folder, $"dashboard-{name}.png"), Animations = ScreenshotAnimations.Disabled });
        }
    }
}
