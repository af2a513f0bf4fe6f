using Microsoft.Extensions.DependencyInjection;
using Relay.Identity;
using Relay.Transport;

namespace Server.Tests.Identity;

public sealed class IdentitySetupTests
{
    /// <summary>Clients take the endpoint of server_info for the truth.</summary>
    [Theory]
    [InlineData("", 9000, "", "ws://localhost:9000")]
    [InlineData("", 9100, "", "ws://localhost:9100")]
    [InlineData("", 443, "relay.pem", "wss://localhost:443")]
    [InlineData("wss://relay.example", 9100, "", "wss://relay.example")]
    public void PublicEndpoint_NotSet_IsTheFirstListenersOnThisMachine(string set, int port, string certificate, string told)
    {
        var listen = new PublicListenerOptions { Port = port, CertificateFile = certificate };
        using var services = new ServiceCollection()
            .AddIdentity(new IdentityOptions { PublicEndpoint = set }, listen.LocalEndpoint)
            .BuildServiceProvider();

        Assert.Equal(told, services.GetRequiredService<IdentityOptions>().Endpoint);
    }
}
