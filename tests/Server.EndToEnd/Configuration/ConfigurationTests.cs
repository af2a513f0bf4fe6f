using Microsoft.Extensions.Configuration;
using Relay.Configuration;
using Relay.EndToEnd.Support;

namespace Relay.EndToEnd.Configuration;

[Trait("Programs", "Started")]
public sealed class ConfigurationTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("relay-test-").FullName;

    [Fact]
    public async Task Start_TwoMistakesInAFile_BothAreNamedAndExitIs2()
    {
        var file = Write("""{"Admission": {"PerIpp": 5, "Total": 0}}""");
        var (code, output) = await RelayProcess.RunAsync(["--config", file]);

        Assert.Equal(2, code);
        Assert.Contains("2 configuration errors", output, StringComparison.Ordinal);
        Assert.Contains("Admission:PerIpp: there is no such option; did you mean Admission:PerIp?", output, StringComparison.Ordinal);
        Assert.Contains("Admission:Total: 0 is out of range; allowed: 1 to 1,000,000", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Start_BrokenJson_NamesFileAndLine()
    {
        var file = Write("{\n  \"Admission\": {\n    \"PerIp\": 5,,\n  }\n}");
        var (code, output) = await RelayProcess.RunAsync(["--config", file]);

        Assert.Equal(2, code);
        Assert.Contains(file, output, StringComparison.Ordinal);
        Assert.Contains(" line 3: ", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Start_FileIsMissing_ExitIs2()
    {
        var (code, output) = await RelayProcess.RunAsync(["--config", Path.Combine(_folder, "none.json")]);

        Assert.Equal(2, code);
        Assert.Contains("there is no file", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Start_TrustedNetworkIsTooBroad_ExitIs2()
    {
        var (code, output) = await RelayProcess.RunAsync(["--Admission:TrustedProxies=10.0.0.0/8,0.0.0.0/0"]);

        Assert.Equal(2, code);
        Assert.Contains("Admission:TrustedProxies:1: '0.0.0.0/0' is broader than /8", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task CheckConfig_GoodSettings_ExitIs0AndNothingRuns()
    {
        var (code, output) = await RelayProcess.RunAsync(["--check-config", "--config", Write("""{"Admission": {"PerIp": 5}}""")]);

        Assert.Equal((0, "Configuration OK"), (code, output));
    }

    [Fact]
    public async Task CheckConfig_BadSettings_ExitIs2()
    {
        var (code, output) = await RelayProcess.RunAsync(["--check-config", "--Sessions:SendTimeout=10"]);

        Assert.Equal(2, code);
        Assert.Contains("Sessions:SendTimeout: '10' is not valid", output, StringComparison.Ordinal);
        Assert.Contains("with a unit", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Environment_PerIp_IsInForce()
    {
        // Not valid on purpose: the answer names the value that was read.
        var (code, output) = await RelayProcess.RunAsync(["--check-config"], ("RELAY_ADMISSION__PERIP", "1000001"));
        Assert.Equal(2, code);
        Assert.Contains("Admission:PerIp: 1,000,001 is out of range", output, StringComparison.Ordinal);

        (code, _) = await RelayProcess.RunAsync(["--check-config"], ("RELAY_ADMISSION__PERIP", "7"));
        Assert.Equal(0, code);
    }

    [Fact]
    public async Task Environment_Typo_IsRefused()
    {
        var (code, output) = await RelayProcess.RunAsync(["--check-config"], ("RELAY_ADMISSION__PERIPS", "7"));

        Assert.Equal(2, code);
        Assert.Contains("RELAY_ADMISSION__PERIPS in the environment: there is no such option; did you mean Admission:PerIp?", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Start_OptionWithoutItsValue_IsOneSentenceAndExitIs2()
    {
        var (code, output) = await RelayProcess.RunAsync(["--config"]);

        Assert.Equal((2, 2), (code, output.Split('\n').Length));
        Assert.StartsWith("relayd: Required argument missing for option: '--config'.", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Start_SocketPathIsTooLong_ExitIs2()
    {
        var (code, output) = await RelayProcess.RunAsync([$"--Admin:Socket=/tmp/{new string('x', 103)}"]);

        Assert.Equal(2, code);
        Assert.Contains("Admin:Socket: the path of a Unix socket has at most 107 bytes", output, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Help_Always_ListsEveryOption()
    {
        var (code, output) = await RelayProcess.RunAsync(["--help"]);

        Assert.Equal(0, code);
        Assert.All(SettingCatalog.All, option => Assert.Contains($"--{option.Path} ", output, StringComparison.Ordinal));
        Assert.Contains("  10000  [1 to 1,000,000]", output, StringComparison.Ordinal);
        Assert.Contains("  8x  [off, a multiple of PerIp such as 8x, or 1 to 1,000,000]", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Version_Always_IsPrinted()
    {
        var (code, output) = await RelayProcess.RunAsync(["--version"]);

        Assert.Equal(0, code);
        Assert.StartsWith(ServerCommand.Version, output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Listen:Port", "65536")]
    [InlineData("Listen:Address", "localhost")]
    [InlineData("Listen:CertificateFile", "no-such-file.pem")]
    [InlineData("Listen:HandshakeTimeout", "0s")]
    [InlineData("Listen:ClientAddress", "Anything")]
    [InlineData("Listen:More:0", "0.0.0.0:9000")]
    [InlineData("Admission:PerIp", "many")]
    [InlineData("Admission:RejectionMode", "Silence")]
    [InlineData("Admission:Ipv6Prefix", "129")]
    [InlineData("Admission:TrustedProxies:0", "10.0.0.1/8")]
    [InlineData("Admission:TrustedProxies", "::/0")]
    [InlineData("Admission:TrustedProxies", "::ffff:10.0.0.0/104")]
    [InlineData("Sessions:MaxMessageBytes", "0")]
    [InlineData("Sessions:SilenceTimeout", "never")]
    [InlineData("Signaling:PairRequestTimeout", "601s")]
    [InlineData("Chunks:CacheBytes", "1048576")]
    [InlineData("Identity:KeyFile", "")]
    [InlineData("Identity:PublicEndpoint", "https://relay.example")]
    [InlineData("Federation:Servers", "ed25519:short")]
    [InlineData("Federation:Admit", "All")]
    [InlineData("Log:Level", "Loud")]
    [InlineData("Log:Format", "1")]
    [InlineData("Admin:Sockett", "x")]
    [InlineData("Admin:Operators", "1000,no-such-user")]
    [InlineData("Admin:Listen", "localhost:9443")]
    [InlineData("Admin:Listen", "127.0.0.1")]
    [InlineData("Admin:Listen", "[::1]")]
    [InlineData("Admin:Listen", "127.0.0.1:9443")]
    [InlineData("Admin:CertificateFile", "no-such-file.pem")]
    [InlineData("Admin:ClientCaFile", "no-such-file.pem")]
    [InlineData("Admin:ClientRoles", "CN=ops=root")]
    [InlineData("Admin:ClientRoles", "CN=ops=operate")]
    [InlineData("Admin:ClientRoles", "ops=operate")]
    [InlineData("Admin:TokenFile", "")]
    [InlineData("Audit:MaxBytes", "1")]
    [InlineData("Http:Listen", "localhost:9090")]
    [InlineData("Http:Listen", "9090")]
    [InlineData("Clients:AllowedOrigins", "https://app.example/")]
    [InlineData("Clients:AllowedOrigins", "https://App.example")]
    [InlineData("Clients:AllowedOrigins", "https://app.example:443")]
    [InlineData("Clients:AllowedOrigins", "*")]
    public void Read_BadValue_IsAMistakeThatNamesTheOption(string path, string value)
    {
        SettingsReader.Read(Configuration(path, value), out var errors);

        var section = path.Split(':')[0];
        Assert.Contains(errors, error => error.StartsWith($"{section}:", StringComparison.Ordinal));
    }

    [Fact]
    public void Read_EveryDefault_IsFine()
    {
        foreach (var option in SettingCatalog.All.Where(option => !option.IsList))
        {
            var value = option.Default is "(empty)" ? "" : option.Default;
            SettingsReader.Read(Configuration(option.Path, value), out var errors);
            Assert.Empty(errors);
        }
    }

    [Fact]
    public void Read_EveryNumber_IsRefusedOneAboveItsRange()
    {
        foreach (var option in SettingCatalog.All.Where(option => option.Type == typeof(int)))
        {
            var above = long.Parse(option.Allowed.Split(" to ")[1].Replace(",", "", StringComparison.Ordinal), System.Globalization.CultureInfo.InvariantCulture) + 1;
            SettingsReader.Read(Configuration(option.Path, $"{above}"), out var errors);
            Assert.Contains(errors, error => error.StartsWith($"{option.Path}: ", StringComparison.Ordinal));
        }
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static IConfigurationRoot Configuration(string path, string value) =>
        new ConfigurationBuilder().AddInMemoryCollection([new KeyValuePair<string, string?>(path, value)]).Build();

    private string Write(string json)
    {
        var file = Path.Combine(_folder, "relay.json");
        File.WriteAllText(file, json);
        return file;
    }
}
