using Relay.EndToEnd.Support;

namespace Relay.EndToEnd.Configuration;

/// <summary>--check-config finds what would stop a start; `config show` says where each value comes from.</summary>
[Trait("Programs", "Started")]
public sealed class CheckConfigTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("relay-check-").FullName;

    private string Data => Path.Combine(_folder, "data");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Check_KeyOfAnotherCertificate_IsAnErrorOnEitherListener()
    {
        using var one = new TestCertificate();
        using var other = new TestCertificate();

        var end = await CheckAsync(
            $"--Listen:CertificateFile={one.CertificateFile}", $"--Listen:KeyFile={other.KeyFile}",
            "--Admin:Listen=127.0.0.1:0", $"--Admin:CertificateFile={other.CertificateFile}", $"--Admin:KeyFile={one.KeyFile}");

        Assert.Equal(2, end.ExitCode);
        Assert.Contains("relayd: 2 configuration errors:", end.Output, StringComparison.Ordinal);
        Assert.Contains($"  Listen:CertificateFile: '{one.CertificateFile}' cannot be used: ", end.Output, StringComparison.Ordinal);
        Assert.Contains($"  Admin:CertificateFile: '{other.CertificateFile}' cannot be used: ", end.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Check_DamagedFiles_EachIsOneLine()
    {
        Directory.CreateDirectory(Data);
        await File.WriteAllTextAsync(Path.Combine(Data, "policy.jsonl"), "{\"revision\":1}\nnot json\n", TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(Path.Combine(Data, "tokens.json"), "[", TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(Path.Combine(Data, "server.key"), "{}", TestContext.Current.CancellationToken);

        var end = await CheckAsync();

        Assert.Equal((2, 4), (end.ExitCode, end.Output.Split('\n').Length));
        Assert.Contains($"  {Data}/policy.jsonl line 1: ", end.Output, StringComparison.Ordinal);
        Assert.Contains($"  The token file '{Data}/tokens.json' cannot be used: ", end.Output, StringComparison.Ordinal);
        Assert.Contains($"'{Data}/server.key'", end.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Check_KeysOfClientsTokens_AreLoadedAndNotShown()
    {
        var keys = Path.Combine(_folder, "keys.json");
        await File.WriteAllTextAsync(keys, "{\"kty\":\"oct\",\"k\":\"c2VjcmV0\"}", TestContext.Current.CancellationToken);

        var end = await CheckAsync($"--Clients:Auth:KeyFile={keys}");
        Assert.Equal(2, end.ExitCode);
        Assert.Contains($"  Clients:Auth:KeyFile: '{keys}' cannot be used: a secret of 6 bytes; at least 32", end.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("c2VjcmV0", end.Output, StringComparison.Ordinal);
        end = await CheckAsync($"--Clients:Auth:KeyFile={keys}", "--Clients:Auth:HookUrl=https://app.example/auth");
        Assert.Contains("only one of KeyFile, JwksUrl and HookUrl", end.Output, StringComparison.Ordinal);
        end = await CheckAsync("--Clients:Auth:HookUrl=https://app.example/auth", "--Clients:Auth:HookTimeout=10s");
        Assert.Contains("Clients:Auth:HookTimeout: must be shorter than Listen:HandshakeTimeout", end.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Check_TornJournal_IsLeftAsItIs()
    {
        Directory.CreateDirectory(Data);
        var journal = Path.Combine(Data, "policy.jsonl");
        await File.WriteAllTextAsync(journal, "{\"torn", TestContext.Current.CancellationToken);

        Assert.Equal((0, "Configuration OK"), await CheckAsync());
        Assert.Equal("{\"torn", await File.ReadAllTextAsync(journal, TestContext.Current.CancellationToken));
        Assert.Equal([journal], Directory.GetFileSystemEntries(Data));
    }

    [Fact]
    public async Task Check_FolderThatCannotBeWrittenTo_IsAnErrorAndNothingIsMade()
    {
        var end = await RelayProcess.RunAsync(["--check-config", "--Data:Folder=/proc/relay"]);
        Assert.Equal(2, end.ExitCode);
        Assert.Contains("this user cannot write to /proc/relay: ", end.Output, StringComparison.Ordinal);

        Assert.Equal((0, "Configuration OK"), await CheckAsync());
        Assert.Empty(Directory.GetFileSystemEntries(_folder));
    }

    [Theory]
    [InlineData(300, 2, "relayd: 1 configuration error:\n  the limit of open files here is 300, which allows about 0 connections and Admission:Total 10,000; raise it with LimitNOFILE (systemd) or ulimit -n")]
    [InlineData(1022, 0, "warning: the limit of open files here is 1,022, which allows about 600 connections and Admission:Total 10,000; raise it with LimitNOFILE (systemd) or ulimit -n\nConfiguration OK")]
    public async Task Check_FewFiles_IsAWarningUnlessNoneAreLeft(int files, int code, string output)
    {
        var end = await RelayProcess.RunWithFilesAsync(files, "--check-config", $"--Data:Folder={Data}");

        // On two streams.
        Assert.Equal(code, end.ExitCode);
        Assert.Equal(output.Split('\n').Order(StringComparer.Ordinal), end.Output.Split('\n').Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Show_EachSource_IsNamedAndSecretsAreNot()
    {
        var file = Path.Combine(_folder, "relay.json");
        await File.WriteAllTextAsync(
            file, """{"Admission": {"PerIp": 5, "Total": 6, "TrustedProxies": ["10.0.0.0/8"]}, "Storage": {"Connection": "Host=db;Database=relay;Username=relay;Password=secret1"}}""", TestContext.Current.CancellationToken);

        var end = await RelayProcess.RunAsync(
            ["config", "show", "--config", file, $"--Data:Folder={Data}", "--Admission:PerIp=7"], ("RELAY_ADMISSION__TOTAL", "8"), ("RELAY_CLUSTER__NATS__0", "nats://relay:secret2@host"));

        Assert.Equal(0, end.ExitCode);
        var rows = end.Output.Split('\n').Select(line => line.Split(' ', 3, StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)).ToDictionary(row => row[0], row => (row[1], row[2]));
        Assert.Equal(("7", "command line"), rows["Admission:PerIp"]);
        Assert.Equal(("8", "RELAY_ADMISSION__TOTAL"), rows["Admission:Total"]);
        Assert.Equal(("10.0.0.0/8", file), rows["Admission:TrustedProxies"]);
        Assert.Equal(("(hidden)", file), rows["Storage:Connection"]);
        Assert.Equal(("(hidden)", "RELAY_CLUSTER__NATS"), rows["Cluster:Nats"]);
        Assert.Equal(("262144", "default"), rows["Sessions:MaxMessageBytes"]);
        Assert.Equal(($"{Data}/server.key", "default"), rows["Identity:KeyFile"]);
        Assert.Equal(Relay.Configuration.SettingCatalog.All.Count, rows.Count);
        Assert.DoesNotContain("secret", end.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Show_BadValue_IsTheErrorOfAStart()
    {
        var end = await RelayProcess.RunAsync(["config", "show", "--Admission:PerIp=0"]);

        Assert.Equal(2, end.ExitCode);
        Assert.Contains("Admission:PerIp: 0 is out of range", end.Output, StringComparison.Ordinal);
    }

    private Task<(int ExitCode, string Output)> CheckAsync(params string[] options) => RelayProcess.RunAsync(["--check-config", $"--Data:Folder={Data}", .. options]);
}
