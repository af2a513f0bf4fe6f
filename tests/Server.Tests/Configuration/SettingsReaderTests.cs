using Microsoft.Extensions.Configuration;
using Relay.Configuration;

namespace Server.Tests.Configuration;

public sealed class SettingsReaderTests
{
    [Theory]
    [InlineData("Listen:Port", "65536")]
    [InlineData("Listen:Address", "localhost")]
    [InlineData("Listen:HandshakeTimeout", "10")]
    [InlineData("Admission:Total", "0")]
    [InlineData("Admission:PerIp", "1000001")]
    [InlineData("Admission:PerIp", "many")]
    [InlineData("Admission:Ipv6Prefix", "31")]
    [InlineData("Admission:RejectionMode", "1")]
    [InlineData("Admission:RejectionMode", "-1")]
    [InlineData("Admission:RejectionMode", "Nothing")]
    [InlineData("Admission:RejectionMode", "CloseFrame,HttpStatus")]
    [InlineData("Admission:TrustedProxies:0", "0.0.0.0/0")]
    [InlineData("Sessions:MaxMessageBytes", "10")]
    [InlineData("Sessions:SilenceTimeout", "30s")]
    [InlineData("Identity:PublicEndpoint", "http://x")]
    [InlineData("Identity:KeyFile", "")]
    [InlineData("Federation:Servers:0", "someone")]
    [InlineData("Federation:MaxPeers", "0")]
    [InlineData("Attestation:AuthorityUrl", "authority.example")]
    [InlineData("Attestation:AuthorityUrl", "ftp://authority.example")]
    [InlineData("Attestation:AuthorityUrl", "https://user:password@authority.example")]
    [InlineData("Attestation:AuthorityUrl", "https://authority.example/?key=1")]
    [InlineData("Clients:Auth:HookUrl", "http://id.example/hook")]
    [InlineData("Clients:Auth:JwksUrl", "https://user:password@id.example/keys")]
    [InlineData("Clients:Auth:HookTimeout", "1m")]
    [InlineData("Clients:Auth:PerSubject", "-1")]
    [InlineData("Clients:Auth:Issuer", "https://id.example")]
    [InlineData("Clients:Auth:HookFailOpen", "true")]
    [InlineData("Sessions:SendTimeout", "2h")]
    [InlineData("Log:Level", "Loud")]
    [InlineData("Log:Format", "+1")]
    public void Read_BadValue_NamesTheOption(string path, string value)
    {
        Read([(path, value)], out var errors);

        Assert.StartsWith(path, Assert.Single(errors), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("1", "262144", 2)]
    [InlineData("127", "16777216", 128)]
    public void Read_BudgetTooSmallForMessages_SaysHowLargeItMustBe(string mebibytes, string maxMessageBytes, int least)
    {
        Read([("Admission:MemoryBudget", mebibytes), ("Sessions:MaxMessageBytes", maxMessageBytes)], out var errors);
        Assert.Equal([$"Admission:MemoryBudget: must be 0 or at least {least}, enough for 8 messages of Sessions:MaxMessageBytes"], errors);
        Read([("Admission:MemoryBudget", $"{least}"), ("Sessions:MaxMessageBytes", maxMessageBytes)], out errors);
        Assert.Empty(errors);
    }

    [Fact]
    public void Read_ManyMistakes_NamesThemAll()
    {
        Read([("Admission:Total", "0"), ("Sessions:PingInterval", "x"), ("Admision:PerIp", "3"), ("Log:Format", "Xml")], out var errors);

        Assert.Equal(4, errors.Count);
        Assert.Contains(errors, error => error.Contains("did you mean Admission:PerIp?", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("Admission:PerIpp", "Admission:PerIp")]
    [InlineData("Clients:Auth:HookURI", "Clients:Auth:HookUrl")]
    [InlineData("Sesions:A", "Sessions:")]
    [InlineData("Sessions:PerIp", "Admission:PerIp")]
    [InlineData("PerIp", "Admission:PerIp")]
    public void Read_UnknownOption_NamesTheOneThatIsMeant(string path, string meant)
    {
        Read([(path, "1")], out var errors);

        Assert.StartsWith($"{path}: there is no such option; did you mean {meant}", Assert.Single(errors), StringComparison.Ordinal);
    }

    [Fact]
    public void Read_Lists_EitherWay()
    {
        Assert.Equal(["10.0.0.0/8", "fd00::/32"], Read([("Admission:TrustedProxies", "10.0.0.0/8, fd00::/32")], out _).Admission.TrustedProxies);
        Assert.Equal(["10.0.0.0/8", "fd00::/32"], Read([("Admission:TrustedProxies:0", "10.0.0.0/8"), ("Admission:TrustedProxies:1", "fd00::/32")], out _).Admission.TrustedProxies);
    }

    /// <summary>The file that ships beside the program, and as a sample, changes nothing.</summary>
    [Fact]
    public void AppSettings_Sample_HoldsDefaultsOnly()
    {
        var file = Path.Combine(ArchitectureTests.FindRoot(), "src/Server/appsettings.json");
        var settings = SettingsReader.Read(new ConfigurationBuilder().AddJsonFile(file).Build(), out var errors);

        Assert.Empty(errors);
        Assert.All(SettingCatalog.All, option => Assert.Equal(
            option.Default, Option.Typed(option.Property.GetValue(option.Section.GetValue(settings)))));
    }

    private static RelaySettings Read((string Path, string Value)[] given, out IReadOnlyList<string> errors) => SettingsReader.Read(
        new ConfigurationBuilder().AddInMemoryCollection(given.ToDictionary(pair => pair.Path, pair => (string?)pair.Value)).Build(), out errors);
}
