using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Time.Testing;
using Relay.AdminApi;
using Relay.Configuration;
using Relay.EndToEnd.Support;

namespace Relay.EndToEnd.Hosting;

/// <summary>Certificates, tokens and live options are read again while the relay runs; what is wrong changes nothing.</summary>
[Trait("Programs", "Started")]
public sealed class ReloadTests : IDisposable
{
    private readonly TestCertificate _public = new();
    private readonly TestCertificate _admin = new();
    private readonly string _folder = Directory.CreateTempSubdirectory("relay-reload-").FullName;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private string ConfigFile => Path.Combine(_folder, "relay.json");

    public void Dispose()
    {
        _public.Dispose();
        _admin.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task Reload_NewCertificates_AreForNewHandshakesAndAudited()
    {
        await using var server = await StartAsync();
        var (before, open) = (_public.Fingerprint, await RawClient.ConnectAsync(server.Port));
        using var _ = open;
        Assert.Equal((_public.Fingerprint, _admin.Fingerprint), await ShownAsync(server));
        _public.Renew();
        _admin.Renew();
        Assert.NotEqual(before, _public.Fingerprint);

        var reply = await ReloadAsync(server);

        Assert.Equal((_public.Fingerprint, _admin.Fingerprint), await ShownAsync(server));
        Assert.Equal(2, reply.Applied.Count);
        Assert.All(reply.Applied, text => Assert.Matches("^new certificate of the (public|admin) listener, valid until 2[0-9]{3}-", text));
        Assert.Empty(reply.Errors);
        var entry = await server.NewestAuditAsync();
        Assert.Equal(("Reload", "ok", "renewed"), (entry.Method, entry.Result, entry.Why));
        Assert.Contains("new certificate of the public listener", entry.After, StringComparison.Ordinal);
        Assert.Empty((await ReloadAsync(server)).Applied);
    }

    [Theory]
    [InlineData("no certificate")]
    [InlineData("another key")]
    [InlineData("no file")]
    public async Task Reload_WrongCertificate_KeepsTheOldAndSaysSo(string wrong)
    {
        await using var server = await StartAsync();
        server.ExpectedError = error => error.StartsWith("Reloaded: not used: Listen:CertificateFile: ", StringComparison.Ordinal);
        var fingerprint = _public.Fingerprint;
        if (wrong == "no file")
        {
            File.Delete(_public.CertificateFile);
        }
        else if (wrong == "another key")
        {
            File.Copy(_admin.KeyFile, _public.KeyFile, overwrite: true);
        }
        else
        {
            await File.WriteAllTextAsync(_public.CertificateFile, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", Token);
        }

        var reply = await ReloadAsync(server);

        Assert.StartsWith($"Listen:CertificateFile: '{_public.CertificateFile}' cannot be used: ", Assert.Single(reply.Errors), StringComparison.Ordinal);
        Assert.Empty(reply.Applied);
        Assert.Equal((fingerprint, _admin.Fingerprint), await ShownAsync(server));
    }

    /// <summary>As Kubernetes does it: the files are links through a link to a folder, which is replaced.</summary>
    [Fact]
    public async Task Watch_FolderBehindALinkIsReplaced_IsReloadedOnceItIsSettled()
    {
        var mount = Directory.CreateDirectory(Path.Combine(_folder, "tls")).FullName;
        Point(mount, "v1", _public);
        foreach (var name in (string[])["cert.pem", "key.pem"])
        {
            File.CreateSymbolicLink(Path.Combine(mount, name), Path.Combine("..data", name));
        }

        var time = new FakeTimeProvider(TimeProvider.System.GetUtcNow());
        await using var server = await StartAsync(
            settings => (settings.Listen.CertificateFile, settings.Listen.KeyFile) = (Path.Combine(mount, "cert.pem"), Path.Combine(mount, "key.pem")), time);
        var before = _public.Fingerprint;
        _public.Renew();
        Point(mount, "v2", _public);

        time.Advance(Reloader.Interval);
        Assert.Equal(before, (await ShownAsync(server)).Public);
        time.Advance(Reloader.Interval);

        await Eventually.TrueAsync(() => server.Get<Relay.Events.RelayEvents>().Last(10).Any(published => published.Event is Reloaded), "it is reloaded");
        Assert.Equal(_public.Fingerprint, (await ShownAsync(server)).Public);
        var entry = await server.NewestAuditAsync();
        Assert.Equal(("relayd", "Reload", "files have changed"), (entry.Who, entry.Method, entry.Why));
        time.Advance(Reloader.Interval * 3);
        Assert.Single(server.Get<Relay.Events.RelayEvents>().Last(20), published => published.Event is Reloaded);
    }

    [Fact]
    public async Task Reload_TokenIsGoneFromTheFile_IsRejected()
    {
        await using var server = await StartAsync();
        var text = await server.TokenAsync(Role.Read);
        var empty = await File.ReadAllTextAsync(server.Settings.Admin.TokenFile, Token);
        await File.WriteAllTextAsync(server.Settings.Admin.TokenFile, """{"tokens": []}""", Token);

        Assert.Equal(["tokens"], (await ReloadAsync(server)).Applied);
        Assert.Null(server.Get<Relay.AdminAuth.TokenStore>().Find(text, out _));
        await File.WriteAllTextAsync(server.Settings.Admin.TokenFile, empty, Token);
        Assert.Equal(["tokens"], (await ReloadAsync(server)).Applied);
        Assert.NotNull(server.Get<Relay.AdminAuth.TokenStore>().Find(text, out _));
    }

    [Fact]
    public async Task HangUp_ChangedFile_AppliesWhatIsLiveAndNamesTheRest()
    {
        await File.WriteAllTextAsync(ConfigFile, """{"Sessions": {"EvictionsPerSecond": 100}}""", Token);
        await using var relay = await RelayProcess.StartAsync($"--config={ConfigFile}");

        await File.WriteAllTextAsync(ConfigFile, """{"Sessions": {"EvictionsPerSecond": 300, "QueueBytes": 2048}, "Log": {"Level": "Debug"}}""", Token);
        await relay.SignalAsync("HUP");
        await LoggedAsync("Reloaded: Sessions:EvictionsPerSecond: 100 to 300; Log:Level: Information to Debug; Sessions:QueueBytes needs a restart, by relayd (SIGHUP) [reloaded]");

        await File.WriteAllTextAsync(ConfigFile, "{", Token);
        await relay.SignalAsync("HUP");
        await LoggedAsync("Reloaded: not used: ");

        await File.WriteAllTextAsync(ConfigFile, """{"Log": {"Level": "Warning"}, "Sessions": {"EvictionsPerSecond": 0}}""", Token);
        await relay.SignalAsync("HUP");
        await LoggedAsync("Reloaded: not used: Sessions:EvictionsPerSecond: 0 is out of range");

        // Nothing of a file with an error is applied.
        await File.WriteAllTextAsync(ConfigFile, """{"Sessions": {"EvictionsPerSecond": 300}}""", Token);
        await relay.SignalAsync("HUP");
        await LoggedAsync("Reloaded: Log:Level: Debug to Information, by relayd (SIGHUP)");
        await relay.SignalAsync("TERM");
        Assert.Equal(0, await relay.ExitAsync());

        Task LoggedAsync(string text) => Eventually.TrueAsync(() => relay.Output.Contains(text, StringComparison.Ordinal), text);
    }

    [Fact]
    public async Task HangUp_AnotherSecret_IsAppliedAndNeverShown()
    {
        const string Next = "the next secret, of thirty-two bytes or more";
        await WriteAsync(AdminFeedToken.Secret);
        await using var relay = await RelayProcess.StartAsync($"--config={ConfigFile}");
        await WriteAsync("too short");
        await relay.SignalAsync("HUP");
        await LoggedAsync("Reloaded: not used: Admin:JwtSecret: a secret of 9 bytes could be guessed");
        await WriteAsync(Next);
        await relay.SignalAsync("HUP");
        await LoggedAsync("Reloaded: Admin:JwtSecret: changed, by relayd (SIGHUP) [reloaded]");

        await relay.SignalAsync("TERM");
        Assert.Equal(0, await relay.ExitAsync());
        Assert.DoesNotContain(Next, relay.Output, StringComparison.Ordinal);
        Assert.DoesNotContain(AdminFeedToken.Secret, relay.Output, StringComparison.Ordinal);

        Task WriteAsync(string secret) => File.WriteAllTextAsync(ConfigFile, $$$"""{"Admin": {"JwtSecret": "{{{secret}}}"}}""", Token);

        Task LoggedAsync(string text) => Eventually.TrueAsync(() => relay.Output.Contains(text, StringComparison.Ordinal), text);
    }

    [Fact]
    public async Task Start_CertificateThatExpiresSoon_IsAWarningAndAMetric()
    {
        _public.Renew(TimeSpan.FromDays(13));
        await using var relay = await RelayProcess.StartAsync($"--Listen:CertificateFile={_public.CertificateFile}", $"--Listen:KeyFile={_public.KeyFile}");
        await Eventually.TrueAsync(() => relay.Output.Contains("The certificate of the public listener expires at ", StringComparison.Ordinal), "a warning");

        await using var server = await StartAsync();
        using var handler = new HttpClientHandler { ServerCertificateCustomValidationCallback = HttpClientHandler.DangerousAcceptAnyServerCertificateValidator };
        using var http = new HttpClient(handler);
        var metrics = await http.GetStringAsync($"https://127.0.0.1:{server.Port}/metrics", Token);
        Assert.Matches("(?m)^relay_certificate_expiry_seconds\\{listener=\"public\"\\} 11[0-9]{5}(\\.|$)", metrics);
        Assert.Matches("(?m)^relay_certificate_expiry_seconds\\{listener=\"admin\"\\} 5[0-9]{6}(\\.|$)", metrics);
    }

    private static void Point(string mount, string version, TestCertificate certificate)
    {
        var folder = Directory.CreateDirectory(Path.Combine(mount, version)).FullName;
        File.Copy(certificate.CertificateFile, Path.Combine(folder, "cert.pem"));
        File.Copy(certificate.KeyFile, Path.Combine(folder, "key.pem"));
        var link = Path.Combine(mount, "..data");
        if (Directory.Exists(link))
        {
            Directory.Delete(link);
        }

        File.CreateSymbolicLink(link, version);
    }

    private static async Task<(string Public, string Admin)> ShownAsync(RelayServer server) =>
        (await ShownAsync(server.Port), await ShownAsync(NetworkAdmin.AddressOf(server).Port));

    private static async Task<string> ShownAsync(int port)
    {
        using var tcp = new TcpClient();
        await tcp.ConnectAsync("127.0.0.1", port, Token);
        await using var tls = new SslStream(tcp.GetStream(), leaveInnerStreamOpen: false, (_, certificate, _, _) => certificate is not null);
        await tls.AuthenticateAsClientAsync(new SslClientAuthenticationOptions { TargetHost = "localhost", ApplicationProtocols = [SslApplicationProtocol.Http2, SslApplicationProtocol.Http11] }, Token);
        using var shown = new X509Certificate2(tls.RemoteCertificate!);
        return shown.GetCertHashString(HashAlgorithmName.SHA256);
    }

    private static async Task<ReloadResponse> ReloadAsync(RelayServer server) => await new ConfigurationService.ConfigurationServiceClient(server.Channel)
        .ReloadAsync(new ReloadRequest { Reason = "renewed" }, deadline: DateTime.UtcNow.AddSeconds(20), cancellationToken: Token);

    private Task<RelayServer> StartAsync(Action<RelaySettings>? configure = null, TimeProvider? time = null) => RelayServer.StartAsync(
        settings =>
        {
            (settings.Listen.CertificateFile, settings.Listen.KeyFile) = (_public.CertificateFile, _public.KeyFile);
            (settings.Admin.Listen, settings.Admin.CertificateFile, settings.Admin.KeyFile) = ("127.0.0.1:0", _admin.CertificateFile, _admin.KeyFile);
            configure?.Invoke(settings);
        },
        time);
}
