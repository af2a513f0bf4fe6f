using AdminCli.Tests.Support;
using Relay.AdminCli;

namespace AdminCli.Tests;

/// <summary>Credentials that are of no use, refused before anything is sent.</summary>
public sealed class CredentialsTests : IDisposable
{
    private readonly TempFolder _folder = new();

    [Theory]
    [InlineData("--token-file {0} --server /nowhere/admin.sock", "--token-file is for an admin listener on TCP; on the Unix socket unix:/nowhere/admin.sock you are authenticated by your user. Give --server https://host:port.")]
    [InlineData("--ca-file {0} --server /nowhere/admin.sock", "--ca-file is for an admin listener on TCP; on the Unix socket unix:/nowhere/admin.sock you are authenticated by your user. Give --server https://host:port.")]
    [InlineData("--cert {0} --server http://127.0.0.1:1", "--cert is for TLS, and http://127.0.0.1:1 has none. Give --server https://host:port.")]
    [InlineData("--key {0} --server https://127.0.0.1:1", "--key requires --cert.")]
    [InlineData("--token-file {0} --server http://relay.invalid:1", "The token would be sent to http://relay.invalid:1 in plain text. Use https://.")]
    [InlineData("--token-file {1} --server https://127.0.0.1:1", "{1} contains no token as printed by `relayctl token create`.")]
    [InlineData("--token-file /nowhere/token --server https://127.0.0.1:1", "--token-file: /nowhere/token cannot be used: ")]
    [InlineData("--ca-file {1} --server https://127.0.0.1:1", "--ca-file: {1} cannot be used: there is no certificate in it")]
    [InlineData("--cert {1} --server https://127.0.0.1:1", "--cert: {1} cannot be used: ")]
    public async Task Run_CredentialsOfNoUse_AreRefusedWithASentence(string line, string sentence)
    {
        var (good, bad) = (_folder["good"], _folder["bad"]);
        await File.WriteAllTextAsync(good, "relay_1a2b3c4d_AAAA\n", TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(bad, "what is\nthis", TestContext.Current.CancellationToken);
        File.SetUnixFileMode(good, UnixFileMode.UserRead);
        File.SetUnixFileMode(bad, UnixFileMode.UserRead);
        var result = await new Cli().RunLineAsync("stats " + string.Format(System.Globalization.CultureInfo.InvariantCulture, line, good, bad));
        Assert.Equal(ExitCodes.Usage, result.ExitCode);
        Assert.StartsWith(string.Format(System.Globalization.CultureInfo.InvariantCulture, sentence, good, bad), result.Error);
        Assert.Single(result.ErrorLines);
    }

    [Fact]
    public async Task Run_VariableBesideAUnixSocket_IsNotUsed()
    {
        var cli = new Cli { Environment = { ["RELAY_ADMIN"] = "/nowhere/admin.sock", ["RELAY_TOKEN"] = "not a token" } };
        Assert.StartsWith("Cannot reach the relay at unix:/nowhere/admin.sock: no such file.", (await cli.RunAsync("stats")).Error);
        cli.Environment["RELAY_ADMIN"] = "https://127.0.0.1:1";
        var result = await cli.RunAsync("stats");
        Assert.Equal((ExitCodes.Usage, "RELAY_TOKEN contains no token as printed by `relayctl token create`.\n"), (result.ExitCode, result.Error));
    }

    [Fact]
    public async Task Run_TokenFileOpenToOthers_IsAWarning()
    {
        await File.WriteAllTextAsync(_folder["token"], "relay_1a2b3c4d_AAAA", TestContext.Current.CancellationToken);
        File.SetUnixFileMode(_folder["token"], UnixFileMode.UserRead | UnixFileMode.OtherRead);
        var result = await new Cli().RunAsync("stats", "--server", "https://127.0.0.1:1", "--token-file", _folder["token"]);
        Assert.Equal($"warning: {_folder["token"]} can be read by others; chmod 600 it", result.ErrorLines[0]);
        Assert.Equal(ExitCodes.Unreachable, result.ExitCode);
    }

    [Fact]
    public async Task Run_TokenOnTheCommandLine_IsNoOption()
    {
        var result = await new Cli().RunLineAsync("stats --token relay_1a2b3c4d_AAAA");
        Assert.Equal(ExitCodes.Usage, result.ExitCode);
        Assert.Contains("'--token'", result.Error);
    }

    public void Dispose() => _folder.Dispose();
}
