using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Time.Testing;
using Relay.Addresses;
using Relay.Memory;
using Relay.Native;
using Relay.Transport;
using Relay.Transport.Engine;

namespace Server.Tests.Listening;

/// <summary>Between the engine and Kestrel, with real sockets.</summary>
public sealed class HandedOverConnectionTests : IDisposable
{
    private readonly ConnectionTable _table = new(new ClosingConnections(new FakeTimeProvider()), MemoryBudget.Unlimited);
    private readonly Socket _peer = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { ReceiveTimeout = 30_000 };
    private readonly int _descriptor;

    public HandedOverConnectionTests()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        _peer.Connect(listener.LocalEndpoint);
        _ = listener.Server.Poll(TimeSpan.FromSeconds(30), SelectMode.SelectRead);
        _descriptor = Sockets.Accept((int)listener.Server.Handle, out _, out _);
    }

    public void Dispose() => _peer.Dispose();

    [Fact]
    public void Abort_StillWaiting_IsResetAndKestrelFindsNothing()
    {
        var connection = Add();

        connection.Abort();
        connection.Abort();

        var error = Assert.Throws<SocketException>(() => _peer.Receive(new byte[1]));
        Assert.Equal((SocketError.ConnectionReset, -1, 0, true), (error.SocketErrorCode, connection.Take(), _table.Count, connection.IsGone));
    }

    [Fact]
    public void Abort_Taken_LeavesTheDescriptorToWhoeverTookIt()
    {
        var connection = Add();
        var taken = connection.Take();

        connection.Abort();
        var sent = Sockets.Send(taken, "a"u8);
        connection.Retire();

        Assert.Equal((_descriptor, 1, 1, 0), (taken, sent, _peer.Receive(new byte[1]), _table.Count));
        Sockets.Reset(taken);
    }

    private HandedOverConnection Add()
    {
        var connection = new HandedOverConnection(_descriptor, _table, ClientAddressRule.Default);
        _table.Add(connection);
        return connection;
    }
}
