using System.Text.Json;
using AdminCli.Tests.Live;
using AdminCli.Tests.Support;
using Relay.AdminCli;

namespace AdminCli.Tests;

/// <summary>Relays that are saved under names.</summary>
public sealed class ContextTests(NetworkRelay relay) : IClassFixture<NetworkRelay>, IDisposable
{
    private readonly TempFolder _home = new();

    private string SavedFile => _home["relay/contexts.json"];

    [Fact]
    public async Task Context_FromAddingToRemoving_IsWhatCommandsUse()
    {
        var added = await RunAsync("context", "add", "prod", "--server", relay.Address, "--ca-file", relay.Authority.CaFile, "--token-file", relay.TokenFile);
        Assert.Equal((ExitCodes.Ok, "Added prod. `relayctl context use prod` makes it the one that is used.\n", ""), (added.ExitCode, added.Output, added.Error));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(SavedFile));
        Assert.DoesNotContain("relay_", await File.ReadAllTextAsync(SavedFile, TestContext.Current.CancellationToken));
        Assert.Equal(ExitCodes.Ok, (await RunAsync("context", "add", "other", "--server", "/nowhere/admin.sock")).ExitCode);

        Assert.Equal("serving\n", (await RunAsync("health", "--context", "prod", "--timeout", "1m")).Output);
        Assert.Equal($"Using prod: {relay.Address}.\n", (await RunAsync("context", "use", "prod")).Output);
        Assert.Equal("serving\n", (await RunAsync("health", "--timeout", "1m")).Output);

        var listed = await RunAsync("context", "list");
        Assert.Matches(@"^CONTEXT +SERVER +CA_FILE +TOKEN_FILE$", listed.OutputLines[0]);
        Assert.Matches(@"^other +/nowhere/admin\.sock +- +-$", listed.OutputLines[1]);
        Assert.StartsWith("prod* ", listed.OutputLines[2], StringComparison.Ordinal);
        using var json = JsonDocument.Parse((await RunAsync("context", "list", "-o", "json")).Output);
        Assert.Equal("prod", json.RootElement.GetProperty("current").GetString());
        Assert.Equal(relay.TokenFile, json.RootElement.GetProperty("contexts").GetProperty("prod").GetProperty("tokenFile").GetString());

        Assert.Equal("No context is used.\n", (await RunAsync("context", "use")).Output);
        Assert.Equal("Removed prod.\n", (await RunAsync("context", "remove", "prod")).Output);
        Assert.Equal((ExitCodes.Usage, "There is no context 'prod'. `relayctl context list` shows them.\n"), Both(await RunAsync("context", "use", "prod")));
    }

    [Fact]
    public async Task Context_OptionsAndEnvironment_WinOverIt()
    {
        Assert.Equal(ExitCodes.Ok, (await RunAsync("context", "add", "prod", "--server", relay.Address, "--ca-file", relay.Authority.CaFile, "--token-file", relay.TokenFile)).ExitCode);
        Assert.Equal(ExitCodes.Ok, (await RunAsync("context", "use", "prod")).ExitCode);

        Assert.Equal("serving\n", (await RunAsync("health", "--server", relay.Relay.Socket, "--timeout", "1m")).Output);
        Assert.Contains("unix:/nowhere/a.sock", (await RunAsync("health", "--server", "/nowhere/a.sock")).Error);
        Assert.Contains("unix:/nowhere/b.sock", (await RunAsync([("RELAY_ADMIN", "/nowhere/b.sock")], "health")).Error);
        Assert.Equal("serving\n", (await RunAsync([("RELAY_ADMIN", "/nowhere/b.sock")], "health", "--context", "prod", "--timeout", "1m")).Output);
        var wrongToken = await RunAsync([("RELAY_TOKEN", "relay_1a2b3c4d_AAAA")], "stats", "--timeout", "1m");
        Assert.Equal(ExitCodes.Rejected, wrongToken.ExitCode);
        Assert.Contains("token", wrongToken.Error);

        var used = await RunAsync([("RELAY_ADMIN", "/nowhere/b.sock")], "context", "use", "prod");
        Assert.Equal($"Using prod: {relay.Address}. RELAY_ADMIN is set and wins over it.\n", used.Output);
        Assert.Equal((ExitCodes.Usage, "--server and --context cannot be combined.\n"), Both(await RunAsync("health", "--server", "/nowhere/a.sock", "--context", "prod")));
    }

    [Theory]
    [InlineData("context add x", "Give --server: the address that the context is for.")]
    [InlineData("context add taken --server /a.sock", "There is a context 'taken' already. Remove it first: relayctl context remove taken")]
    [InlineData("context add x --server https://relay.example --ca-file /nowhere/ca.pem", "There is no file /nowhere/ca.pem.")]
    [InlineData("context add x --server /a.sock --token-file /t", "--token-file is for an admin listener on TCP; on the Unix socket unix:/a.sock you are authenticated by your user. Give --server https://host:port.")]
    [InlineData("context add a/b --server /a.sock", "The name of a context must be 1 to 64 letters, digits, '-', '_' or '.', not 'a/b'.\nRun `relayctl context add --help` for usage.")]
    [InlineData("context remove y", "There is no context 'y'. `relayctl context list` shows them.")]
    [InlineData("stats --context y", "There is no context 'y'. `relayctl context list` shows them, `relayctl context add` makes one.")]
    public async Task Run_MalformedOrUnknown_IsASentenceAndChangesNothing(string line, string sentence)
    {
        Assert.Equal(ExitCodes.Ok, (await RunAsync("context", "add", "taken", "--server", "/taken.sock")).ExitCode);
        var before = await File.ReadAllTextAsync(SavedFile, TestContext.Current.CancellationToken);
        Assert.Equal((ExitCodes.Usage, sentence + "\n"), Both(await RunAsync(line.Split(' '))));
        Assert.Equal(before, await File.ReadAllTextAsync(SavedFile, TestContext.Current.CancellationToken));
    }

    [Theory]
    [InlineData("{")]
    [InlineData("[]")]
    [InlineData("null")]
    [InlineData("""{"contexts":{"a":{}}}""")]
    [InlineData("""{"contexts":{"a":{"server":7}}}""")]
    [InlineData("""{"contexts":{"a":null}}""")]
    [InlineData("""{"current":[],"contexts":{}}""")]
    public async Task Run_DamagedFile_IsNamed(string text)
    {
        Save(text);
        foreach (var line in (string[])["stats", "context list"])
        {
            var result = await RunAsync(line.Split(' '));
            Assert.Equal(ExitCodes.Usage, result.ExitCode);
            Assert.StartsWith($"{SavedFile} is not a file of contexts: ", result.Error, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Run_FileThatOthersCanChange_IsNotUsed()
    {
        Save("""{"current":"a","contexts":{"a":{"server":"https://elsewhere.example"}}}""");
        File.SetUnixFileMode(SavedFile, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupWrite);
        Assert.Equal(
            (ExitCodes.Usage, $"{SavedFile} can be changed by others, who could have your token sent to them. Check it and run `chmod 600` on it.\n"), Both(await RunAsync("stats")));
    }

    [Fact]
    public async Task Run_NoHome_SaysWhatToSetAndOtherCommandsDoNotNeedIt()
    {
        const string Sentence = "Contexts are kept in your home folder, and HOME is not set. Set HOME or XDG_CONFIG_HOME, or give --server.\n";
        foreach (var line in (string[])["context list", "context add a --server /a.sock", "stats --context a"])
        {
            Assert.Equal((ExitCodes.Usage, Sentence), Both(await new Cli().RunLineAsync(line)));
        }

        Assert.Equal("serving\n", (await new Cli().RunAsync("health", "--server", relay.Relay.Socket, "--timeout", "1m")).Output);
    }

    [Fact]
    public async Task Run_FolderThatCannotBeMade_SaysWhy()
    {
        await File.WriteAllTextAsync(_home["relay"], "a file where the folder should be", TestContext.Current.CancellationToken);
        var result = await RunAsync("context", "add", "a", "--server", "/a.sock");
        Assert.Equal(ExitCodes.Usage, result.ExitCode);
        Assert.StartsWith($"{SavedFile} cannot be written: ", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Completion_ContextNames_AreOffered()
    {
        Assert.Equal(ExitCodes.Ok, (await RunAsync("context", "add", "prod", "--server", "/a.sock")).ExitCode);
        Assert.Contains("prod", (await RunAsync("[suggest:21]", "relayctl context use p")).OutputLines);
        Assert.Contains("prod", (await RunAsync("[suggest:25]", "relayctl stats --context p")).OutputLines);
    }

    public void Dispose() => _home.Dispose();

    private static (int ExitCode, string Error) Both(CliResult result) => (result.ExitCode, result.Error);

    private Task<CliResult> RunAsync(params string[] args) => RunAsync([], args);

    private Task<CliResult> RunAsync((string Name, string Value)[] variables, params string[] args)
    {
        var cli = new Cli { Environment = { ["XDG_CONFIG_HOME"] = _home.FullName } };
        foreach (var (name, value) in variables)
        {
            cli.Environment[name] = value;
        }

        return cli.RunAsync(args);
    }

    private void Save(string text)
    {
        Directory.CreateDirectory(_home["relay"]);
        File.WriteAllText(SavedFile, text);
        File.SetUnixFileMode(SavedFile, UnixFileMode.UserRead | UnixFileMode.UserWrite);
    }
}
