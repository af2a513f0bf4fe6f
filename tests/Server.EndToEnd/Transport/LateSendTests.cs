using Relay.EndToEnd.Support;
using Relay.Transport;
using Relay.Transport.Framing;

namespace Relay.EndToEnd.Transport;

public sealed class LateSendTests
{
    /// <summary>A sender may find its target a moment too late: Kestrel's stream is disposed then, and nobody may notice.</summary>
    [Fact]
    public async Task Send_WhenKestrelHasEndedTheConnection_DoesNotThrow()
    {
        await using var server = await RelayServer.StartAsync();
        var table = server.Get<ConnectionTable>();
        Connection connection;
        await using (var client = await TestClient.ConnectAsync(server))
        {
            connection = Assert.Single(table.All);
        }

        await Eventually.TrueAsync(() => connection.IsGone, "the connection is gone");
        Assert.True(connection.Send(FrameWriter.Ping));
    }
}
