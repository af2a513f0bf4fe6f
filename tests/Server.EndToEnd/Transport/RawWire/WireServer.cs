using Relay.EndToEnd.Support;
using Relay.Transport;

namespace Relay.EndToEnd.Transport.RawWire;

/// <summary>One relay for a class of tests over raw bytes. After them, nothing of their sockets is left and the ledger is right.</summary>
public sealed class WireServer : IAsyncLifetime
{
    internal RelayServer Relay { get; private set; } = null!;

    public async ValueTask InitializeAsync() => Relay = await RelayServer.StartAsync(settings =>
    {
        settings.Admission.PerIp = 5000;
        settings.Listen.MaxHandshakesPerIp = 1000;
        settings.Sessions.MessagesPerMinute = 1_000_000;
        settings.Sessions.BytesBurst = 1 << 30;
        settings.Sessions.SendTimeout = TimeSpan.FromSeconds(2);
    });

    public async ValueTask DisposeAsync()
    {
        await Relay.EmptyAsync();
        var result = await Relay.Get<LedgerReconciler>().RunAsync(CancellationToken.None);
        Assert.True(result is { Ok: true, Drift: 0, Ledger: 0, Live: 0 }, $"{result}");
        await Relay.DisposeAsync();
    }
}
