using System.ComponentModel.DataAnnotations;
using Relay.Federation;

namespace Server.Tests.Federation;

public sealed class FederationOptionsTests
{
    private const string Id = "ed25519:A6EHv_POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg";

    [Fact]
    public void IsOn_Defaults_IsFalse() => Assert.False(new FederationOptions().IsOn);

    [Theory]
    [InlineData("relay.example", "write it like")]
    [InlineData("https://relay.example", "write it like")]
    [InlineData("ed25519:x@wss://relay.example", "write it like")]
    [InlineData("wss://relay.example", "no server is admitted")]
    public void Validate_ConnectThatCannotWork_SaysWhatToDo(string entry, string says)
    {
        var options = new FederationOptions { Connect = [entry] };

        Assert.Contains(options.Validate(new ValidationContext(options)), result => result.ErrorMessage!.Contains(says, StringComparison.Ordinal));
    }

    [Fact]
    public void IsOn_ServersListedOrAny_IsTrue()
    {
        Assert.True(new FederationOptions { Servers = [Id] }.IsOn);
        Assert.True(new FederationOptions { Admit = FederationAdmit.Any }.IsOn);
        Assert.True(new FederationOptions { Connect = [$"{Id}@wss://a.example"] }.IsOn);
    }

    [Fact]
    public void Validate_NoServerId_NamesTheEntry()
    {
        var options = new FederationOptions { Servers = [Id, "relay.example"] };

        var error = Assert.Single(options.Validate(new ValidationContext(options)));

        Assert.Equal("Servers:1", Assert.Single(error.MemberNames));
    }

    [Theory]
    [InlineData("https://registry.example", "", null)]
    [InlineData("http://localhost:8080", "A6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg=", null)]
    [InlineData("http://localhost:8080", "A6EHv_POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg", null)]
    [InlineData("http://registry.example", "", "BootstrapUrl")]
    [InlineData("https://user:secret@registry.example", "", "BootstrapUrl")]
    [InlineData("registry.example", "", "BootstrapUrl")]
    [InlineData("https://registry.example", "A6EHv", "BootstrapKey")]
    public void Validate_Bootstrap_NamesTheSetting(string url, string key, string? error)
    {
        var options = new FederationOptions { Admit = FederationAdmit.Any, BootstrapUrl = url, BootstrapKey = key };

        Assert.Equal(error is null ? [] : [error], options.Validate(new ValidationContext(options)).SelectMany(result => result.MemberNames));
    }
}
