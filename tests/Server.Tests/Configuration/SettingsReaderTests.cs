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
    [InlineData("Sessions:SendTimeout", "2h")]
    [InlineData("Log:Level", "Loud")]
    [InlineData("Log:Format", "+1")]
    public void Read_BadValue_NamesTheOption(string path, string value)
    {
        Read([(path, value)], out var errors);

        Assert.StartsWith(path, Assert.Single(errors), StringComparison.Ordinal);
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
