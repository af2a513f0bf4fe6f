namespace AdminCli.Tests.Support;

/// <summary>One relayd for the tests of a class that do not disturb each other.</summary>
public sealed class RelayFixture : IAsyncLifetime
{
    internal RelayProcess Relay { get; private set; } = null!;

    public async ValueTask InitializeAsync() => Relay = await RelayProcess.StartAsync();

    public ValueTask DisposeAsync() => Relay.DisposeAsync();
}
