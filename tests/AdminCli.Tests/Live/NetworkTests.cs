using System.Security.Cryptography.X509Certificates;
using AdminCli.Tests.Support;
using Relay.AdminCli;
using Relay.TestKit;

namespace AdminCli.Tests.Live;

/// <summary>relayctl over TLS: what it shows, whom it believes, and what it says when that goes wrong.</summary>
public sealed class NetworkTests(NetworkRelay fixture) : IClassFixture<NetworkRelay>
{
    private readonly string _address = fixture.Address;
    private readonly string _ca = fixture.Authority.CaFile;

    [Fact]
    public async Task Call_WithATokenFile_IsAnswered()
    {
        var result = await new Cli().RunAsync("health", "--server", _address, "--ca-file", _ca, "--token-file", fixture.TokenFile);
        Assert.Equal((ExitCodes.Ok, "serving\n", ""), (result.ExitCode, result.Output, result.Error));
    }

    [Fact]
    public async Task Call_WithTheVariable_IsAnsweredAndTheFileWins()
    {
        var token = (await File.ReadAllTextAsync(fixture.TokenFile, TestContext.Current.CancellationToken)).Trim();
        var cli = new Cli { Environment = { ["RELAY_ADMIN"] = _address, ["RELAY_TOKEN"] = token } };
        Assert.Equal("serving\n", (await cli.RunAsync("health", "--ca-file", _ca)).Output);
        cli.Environment["RELAY_TOKEN"] = "relay_00000000_wrong";
        Assert.Equal("serving\n", (await cli.RunAsync("health", "--ca-file", _ca, "--token-file", fixture.TokenFile)).Output);
    }

    [Fact]
    public async Task Call_WithACertificate_HasItsRole()
    {
        using var certificate = fixture.Authority.IssueClient("CN=kay");
        var (cert, key) = Save("kay", certificate);
        var both = fixture.Save("both.pem", await File.ReadAllTextAsync(cert, TestContext.Current.CancellationToken) + await File.ReadAllTextAsync(key, TestContext.Current.CancellationToken));
        Assert.Equal(ExitCodes.Ok, (await new Cli().RunAsync("set-limit", "--per-ip", "50", "--server", _address, "--ca-file", _ca, "--cert", cert, "--key", key)).ExitCode);
        var result = await new Cli().RunAsync("token", "list", "--server", _address, "--ca-file", _ca, "--cert", both);
        Assert.Equal(ExitCodes.Rejected, result.ExitCode);
        Assert.Matches(
            @"^Permission denied: ListTokens requires role admin; certificate CN=kay \(sha256 [0-9a-f]{16}\) has operate\. The relay's administrator can give it the role in Admin:ClientRoles\.\n\(request [0-9a-f]{16}\)\n$",
            result.Error);
    }

    [Fact]
    public async Task Call_RoleTooLow_SaysWhichIsNeededAndHowToGetIt()
    {
        var result = await new Cli().RunAsync("set-limit", "--per-ip", "50", "--server", _address, "--ca-file", _ca, "--token-file", fixture.TokenFile);
        Assert.Equal(ExitCodes.Rejected, result.ExitCode);
        Assert.Matches(
            @"^Permission denied: ChangePolicy requires role operate; token fixture \([0-9a-f]{8}\) has read\. An admin can create a token that has it: `relayctl token create --role operate`\.\n\(request [0-9a-f]{16}\)\n$",
            result.Error);
    }

    [Fact]
    public async Task Call_WithoutAToken_SaysWhatToGive()
    {
        var result = await new Cli().RunAsync("stats", "--server", _address, "--ca-file", _ca);
        Assert.Equal(ExitCodes.Rejected, result.ExitCode);
        Assert.StartsWith(
            "Authentication required: no token or client certificate was sent\nGive --token-file FILE or RELAY_TOKEN, or --cert FILE and --key FILE.\n(request ",
            result.Error);
    }

    [Fact]
    public async Task Call_RevokedToken_SaysSo()
    {
        var made = await fixture.Relay.Cli.RunLineAsync("token create --name gone --role read");
        var file = fixture.Save("gone", made.Output);
        Assert.Equal(ExitCodes.Ok, (await new Cli().RunAsync("stats", "--server", _address, "--ca-file", _ca, "--token-file", file)).ExitCode);
        var revoked = await fixture.Relay.Cli.RunAsync("token", "revoke", made.Output.Split('_')[1], "--reason", "test");
        Assert.Matches(@"^Revoked gone \([0-9a-f]{8}\), role read\.\n$", revoked.Output);
        var result = await new Cli().RunAsync("stats", "--server", _address, "--ca-file", _ca, "--token-file", file);
        Assert.Equal(ExitCodes.Rejected, result.ExitCode);
        Assert.Contains("the relay does not know this token; it was revoked, or belongs to another relay", result.Error);
    }

    [Fact]
    public async Task Call_CertificateOfAnotherAuthority_SaysSo()
    {
        using var other = new TestAuthority("CN=other");
        using var certificate = other.IssueClient("CN=kay");
        var (cert, key) = Save("other", certificate);
        var result = await new Cli().RunAsync("stats", "--server", _address, "--ca-file", _ca, "--cert", cert, "--key", key);
        Assert.Contains("the client certificate is not signed by an authority in the relay's Admin:ClientCaFile", result.Error);
        Assert.Equal(ExitCodes.Rejected, result.ExitCode);
    }

    [Fact]
    public async Task Call_RelayOfAnotherAuthority_IsNotTrustedAndNoTokenIsSent()
    {
        using var other = new TestAuthority("CN=other");
        var result = await new Cli().RunAsync("stats", "--server", _address, "--ca-file", other.CaFile, "--token-file", fixture.TokenFile);
        Assert.Equal(
            (ExitCodes.Unreachable, $"Cannot reach the relay at {_address}: its certificate is not signed by an authority in {other.CaFile}. Is that the relay's authority, and is this the relay?\n"),
            (result.ExitCode, result.Error));
        result = await new Cli().RunAsync("stats", "--server", _address, "--token-file", fixture.TokenFile);
        Assert.Equal(
            (ExitCodes.Unreachable, $"Cannot reach the relay at {_address}: its certificate is not signed by an authority that this machine knows. Name the authority's certificate with --ca-file.\n"),
            (result.ExitCode, result.Error));
    }

    [Fact]
    public async Task Call_CertificateIsForAnotherName_SaysForWhich()
    {
        await using var relay = await RelayProcess.StartAsync(
            "--Admin:Listen=127.0.0.2:0", $"--Admin:CertificateFile={fixture.Authority.CertificateFile}", $"--Admin:KeyFile={fixture.Authority.KeyFile}");
        var result = await new Cli().RunAsync("stats", "--server", relay.AdminAddress, "--ca-file", _ca);
        Assert.Equal(ExitCodes.Unreachable, result.ExitCode);
        Assert.EndsWith(": its certificate is for localhost, 127.0.0.1. Call the relay by that name in --server, or give it a certificate for this one.\n", result.Error);
    }

    [Fact]
    public async Task Call_CertificateHasExpired_SaysWhen()
    {
        using var expired = fixture.Authority.Issue("CN=localhost", "1.3.6.1.5.5.7.3.1", days: -1);
        var (cert, key) = Save("expired", expired);
        await using var relay = await RelayProcess.StartAsync("--Admin:Listen=127.0.0.1:0", $"--Admin:CertificateFile={cert}", $"--Admin:KeyFile={key}");
        var result = await new Cli().RunAsync("stats", "--server", relay.AdminAddress, "--ca-file", _ca);
        Assert.Equal(
            (ExitCodes.Unreachable, $"Cannot reach the relay at {relay.AdminAddress}: its certificate expired on {expired.NotAfter.ToUniversalTime():yyyy-MM-dd'T'HH:mm:ss'Z'}. Give the relay a new one and restart it.\n"),
            (result.ExitCode, result.Error));
    }

    [Fact]
    public async Task Call_PlaintextToATlsPort_SaysWhatToCheck()
    {
        var result = await new Cli().RunAsync("stats", "--server", _address.Replace("https", "http", StringComparison.Ordinal), "--token-file", fixture.TokenFile);
        Assert.Equal(ExitCodes.Unreachable, result.ExitCode);
        Assert.Single(result.ErrorLines);
    }

    [Fact]
    public async Task Call_PlaintextLoopback_NeedsATokenAllTheSame()
    {
        await using var relay = await RelayProcess.StartAsync("--Admin:Listen=127.0.0.1:0", "--Admin:AllowPlaintextLoopback=true");
        Assert.StartsWith("http://127.0.0.1:", relay.AdminAddress);
        var result = await new Cli().RunAsync("stats", "--server", relay.AdminAddress);
        Assert.Contains("Authentication required: no token was sent", result.Error);
        var made = await relay.Cli.RunLineAsync("token create --name test --role read --expires 1d");
        Assert.Equal(ExitCodes.Ok, (await new Cli().RunAsync("stats", "--server", relay.AdminAddress, "--token-file", fixture.Save("plain", made.Output))).ExitCode);
    }

    [Fact]
    public async Task Tokens_FromMakingToRevoking_AreListed()
    {
        var made = await fixture.Relay.Cli.RunAsync("token", "create", "--name", "kay@desk", "--role", "operate", "--expires", "90d");
        Assert.Matches("^relay_[0-9a-f]{8}_[A-Za-z0-9_-]{43}\n$", made.Output);
        Assert.Matches(@"^Token kay@desk \([0-9a-f]{8}\), role operate, valid until \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\. Shown only once\. Store it safely\.\n$", made.Error);
        var id = made.Output.Split('_')[1];
        var listed = (await fixture.Relay.Cli.RunAsync("token", "list")).OutputLines;
        Assert.Matches(@"^ID +NAME +ROLE +CREATED +EXPIRES +LAST_USED$", listed[0]);
        Assert.Contains(listed, line => System.Text.RegularExpressions.Regex.IsMatch(line, $@"^{id}   kay@desk +operate +\d+s +(89d23h\d+m|90d) +never$"));
        Assert.Equal(ExitCodes.Ok, (await fixture.Relay.Cli.RunAsync("token", "revoke", id)).ExitCode);
        var again = await fixture.Relay.Cli.RunAsync("token", "revoke", id);
        Assert.Equal(ExitCodes.Rejected, again.ExitCode);
        Assert.Contains($"there is no token '{id}'", again.Error);
    }

    private (string Certificate, string Key) Save(string name, X509Certificate2 certificate) => (
        fixture.Save($"{name}.pem", certificate.ExportCertificatePem() + "\n"),
        fixture.Save($"{name}.key", certificate.GetECDsaPrivateKey()!.ExportPkcs8PrivateKeyPem() + "\n"));
}
