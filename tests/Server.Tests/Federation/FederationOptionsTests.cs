using System.ComponentModel.DataAnnotations;
using Relay.Federation;

namespace Server.Tests.Federation;

public sealed class FederationOptionsTests
{
    private const string Id = "ed25519:A6EHv_POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg";

    [Fact]
    public void IsOn_Defaults_IsFalse() => Assert.False(new FederationOptions().IsOn);

    [Fact]
    public void IsOn_ServersListedOrAny_IsTrue()
    {
        Assert.True(new FederationOptions { Servers = [Id] }.IsOn);
        Assert.True(new FederationOptions { Admit = FederationAdmit.Any }.IsOn);
    }

    [Fact]
    public void Validate_NoServerId_NamesTheEntry()
    {
        var options = new FederationOptions { Servers = [Id, "relay.example"] };

        var error = Assert.Single(options.Validate(new ValidationContext(options)));

        Assert.Equal("Servers:1", Assert.Single(error.MemberNames));
    }
}
