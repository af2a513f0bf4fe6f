using Microsoft.AspNetCore.Builder;
using Relay.Benchmarks.Echo;
using Relay.EndToEnd.Support;

namespace Relay.EndToEnd.Transport.RawWire;

/// <summary>One echo for a class of tests: transport and codec without the relay.</summary>
public sealed class EchoFixture : IAsyncLifetime
{
    private WebApplication _echo = null!;

    internal int Port => new Uri(_echo.Urls.Single()).Port;

    public async ValueTask InitializeAsync()
    {
        _echo = EchoServer.Build(0, TestTransport.Kind);
        await _echo.StartAsync(TestContext.Current.CancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        await _echo.StopAsync(CancellationToken.None);
        await _echo.DisposeAsync();
    }
}
