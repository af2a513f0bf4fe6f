using System.Collections.Concurrent;
using Microsoft.Playwright;

namespace AdminCli.Tests.Support;

/// <summary>A real Chromium. tests/install-browser.sh gets it.</summary>
public sealed class Chromium : IAsyncLifetime
{
    private const string HowTo = "no Chromium here: run tests/install-browser.sh or set RELAY_CHROMIUM";
    private const float Patience = 90_000;

    private IPlaywright? _playwright;
    private IBrowser? _browser;

    public async ValueTask InitializeAsync()
    {
        var wanted = Environment.GetEnvironmentVariable("RELAY_CHROMIUM") is { Length: > 0 } set ? set : "chromium";
        var found = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator).Select(folder => Path.Combine(folder, wanted)).FirstOrDefault(File.Exists);
        if (found is null)
        {
            return;
        }

        _playwright = await Playwright.CreateAsync();
        _browser = await _playwright.Chromium.LaunchAsync(new BrowserTypeLaunchOptions
        {
            ExecutablePath = found,
            Timeout = Patience,
            Args = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
        });
    }

    /// <summary>A page of somebody who has not been here before: no cookies of anybody.</summary>
    internal async Task<BrowserPage> OpenAsync(Uri address, int width = 1280, ColorScheme colours = ColorScheme.Light)
    {
        if (_browser is null)
        {
            Assert.SkipUnless(Environment.GetEnvironmentVariable("CI") == "true", HowTo);
            Assert.Fail(HowTo);
        }

        var context = await _browser.NewContextAsync(new BrowserNewContextOptions
        {
            ViewportSize = new ViewportSize { Width = width, Height = 800 },
            ColorScheme = colours,
            // The test's own authority; what the certificate is worth is tested elsewhere.
            IgnoreHTTPSErrors = true,
        });
        context.SetDefaultTimeout(Patience);
        Assertions.SetDefaultExpectTimeout(Patience);
        var page = new BrowserPage(context, await context.NewPageAsync(), address);
        await page.Page.GotoAsync(address.ToString());
        return page;
    }

    public async ValueTask DisposeAsync()
    {
        if (_browser is not null)
        {
            await _browser.DisposeAsync();
        }

        _playwright?.Dispose();
    }
}

/// <summary>A page, and what it must not do: ask another host, have a script refused, or run what a client wrote.</summary>
internal sealed class BrowserPage : IAsyncDisposable
{
    private readonly IBrowserContext _context;
    private readonly ConcurrentQueue<string> _wrong = [];

    public BrowserPage(IBrowserContext context, IPage page, Uri address)
    {
        (_context, Page) = (context, page);
        page.Request += (_, request) =>
        {
            if (new Uri(request.Url) is { Scheme: "http" or "https" } asked && asked.Authority != address.Authority)
            {
                _wrong.Enqueue($"another host: {request.Url}");
            }
        };
        page.Dialog += async (_, dialog) =>
        {
            _wrong.Enqueue($"a script ran: {dialog.Message}");
            await dialog.DismissAsync();
        };
        page.PageError += (_, error) => _wrong.Enqueue($"error: {error}");
        page.Console += (_, message) =>
        {
            if (message.Text.Contains("Content Security Policy", StringComparison.Ordinal))
            {
                _wrong.Enqueue(message.Text);
            }
        };
    }

    public IPage Page { get; }

    public ILocator this[string testId] => Page.GetByTestId(testId);

    /// <summary>Fails the test for what must not have been.</summary>
    public void CheckIsClean() => Assert.Empty(_wrong);

    /// <summary>By the menu, as an operator goes; the connection to the dashboard stays.</summary>
    public async Task GoAsync(string view)
    {
        await Page.GetByRole(AriaRole.Navigation, new() { Name = "Views" }).GetByRole(AriaRole.Link, new() { Name = view, Exact = true }).ClickAsync();
        await SeesAsync(Page.GetByRole(AriaRole.Heading, new() { Name = view, Level = 1 }));
    }

    /// <summary>Answers the question that comes before every action.</summary>
    public async Task ConfirmAsync(string reason)
    {
        await this["reason"].FillAsync(reason);
        await this["do"].ClickAsync();
    }

    public static Task SeesAsync(ILocator what) => Assertions.Expect(what.First).ToBeVisibleAsync();

    public Task SeesAsync(string text) => SeesAsync(Page.GetByText(text));

    public ValueTask DisposeAsync() => _context.DisposeAsync();
}
