using System.Net;
using System.Text.RegularExpressions;
using Relay.TestKit;

namespace AdminCli.Tests.Support;

/// <summary>The dashboard as `relayctl dashboard` starts it, or, for a team, as a service does.</summary>
internal sealed partial class DashboardProcess : IDisposable
{
    private readonly ChildProcess _process;

    private DashboardProcess(ChildProcess process, Uri page) => (_process, Page) = (process, page);

    /// <summary>What it printed: with the token that works once, unless it is for a team.</summary>
    public Uri Page { get; }

    public Uri Root => new(Page, "/");

    public int Id => _process.Id;

    public static Task<DashboardProcess> StartAsync(RelayProcess relay, params string[] options) =>
        StartAsync(ChildProcess.Relayctl, ["--server", relay.Socket, "--timeout", "1m", "dashboard", "--no-open", .. options]);

    /// <summary>For operators with tokens of this relay.</summary>
    public static Task<DashboardProcess> StartForTeamAsync(string relay, TestAuthority authority) => StartAsync(
        Program, ["--server", relay, "--ca-file", authority.CaFile, "--timeout", "1m", "--listen", "127.0.0.1:0", "--tls-cert", authority.CertificateFile, "--tls-key", authority.KeyFile]);

    public static string Program =>
        ((string[])["dashboard", "../dashboard"]).Select(folder => Path.GetFullPath(Path.Combine(TestedPrograms.RelayctlFolder, folder, "relay-dashboard"))).First(File.Exists);

    /// <summary>A client that follows no redirect and remembers cookies only where it is given something to keep them in.</summary>
    public HttpClient Client(CookieContainer? cookies = null, TestAuthority? authority = null)
    {
        var handler = new SocketsHttpHandler { AllowAutoRedirect = false, UseProxy = false, UseCookies = cookies is not null };
        handler.CookieContainer = cookies ?? handler.CookieContainer;
        handler.SslOptions.CertificateChainPolicy = authority?.ChainPolicy;
        return new HttpClient(handler) { BaseAddress = Root, Timeout = ChildProcess.Patience };
    }

    public async Task<CliResult> InterruptAsync()
    {
        await _process.SignalAsync("INT");
        return await _process.EndAsync();
    }

    public void Dispose() => _process.Dispose();

    private static async Task<DashboardProcess> StartAsync(string program, string[] args)
    {
        var process = ChildProcess.Start(program, args, ("XDG_CONFIG_HOME", "/nonexistent"));
        try
        {
            var line = await process.ReadLineAsync();
            // The relay's own address may come before.
            var match = Address().Matches(line ?? "").LastOrDefault();
            Assert.True(match is not null, $"{line}\n{(line is null ? (await process.EndAsync()).Error : "")}");
            return new DashboardProcess(process, new Uri(match.Value));
        }
        catch
        {
            process.Dispose();
            throw;
        }
    }

    [GeneratedRegex(@"https?://\S+")]
    private static partial Regex Address();
}
