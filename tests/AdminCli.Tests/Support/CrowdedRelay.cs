namespace AdminCli.Tests.Support;

/// <summary>A relay with 1,050 addresses (127.1.0.1 to 127.1.4.26), the first of them with three connections.</summary>
public sealed class CrowdedRelay : IAsyncLifetime
{
    public const int Addresses = 1_050;

    internal RelayProcess Relay { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        Relay = await RelayProcess.StartAsync("--Admission:Total=5000");
        for (var i = 1; i <= Addresses; i++)
        {
            Assert.True(await Relay.ConnectAsync($"127.1.{i / 256}.{i % 256}"), Relay.Log);
        }

        Assert.True(await Relay.ConnectAsync("127.1.0.1"));
        Assert.True(await Relay.ConnectAsync("127.1.0.1"));
    }

    public ValueTask DisposeAsync() => Relay.DisposeAsync();
}
