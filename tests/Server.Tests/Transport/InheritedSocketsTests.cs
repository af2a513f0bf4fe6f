using System.Net;
using System.Net.Sockets;
using Relay.Native;
using Relay.Transport;

namespace Server.Tests.Transport;

public sealed class InheritedSocketsTests
{
    [Theory]
    [InlineData(null, "1")]
    [InlineData("41", "1")]
    [InlineData("42", null)]
    [InlineData("42", "-1")]
    [InlineData("42", "x")]
    public void Receive_NotForThisProcess_IsNothing(string? pid, string? count)
    {
        var sockets = InheritedSockets.Receive(name => name == "LISTEN_PID" ? pid : name == "LISTEN_FDS" ? count : null, 42, [Listener("0.0.0.0:0")]);

        Assert.Null(sockets.Take(new IPEndPoint(IPAddress.Any, 0)));
    }

    // Descriptor 3 of a test process is something else, and no listening socket of ours.
    [Fact]
    public void Receive_NoListeningSocket_SaysWhatToPass()
    {
        var error = Assert.Throws<InvalidDataException>(() => InheritedSockets.Receive(
            name => name switch { "LISTEN_PID" => "42", "LISTEN_FDS" => "100000", "LISTEN_FDNAMES" => "", _ => null }, 42, [Listener("0.0.0.0:1")]));

        Assert.Contains("is not a listening TCP socket", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("127.0.0.1", "127.0.0.1", true)]
    [InlineData("::", "0.0.0.0", true)]
    [InlineData("0.0.0.0", "::", false)]
    [InlineData("127.0.0.1", "0.0.0.0", false)]
    public void Take_SocketOfAnAddress_IsForTheListenerOfTheSame(string bound, string listener, bool fits)
    {
        using var socket = new Socket(IPAddress.Parse(bound).AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        if (bound == "::")
        {
            socket.DualMode = true;
        }

        socket.Bind(new IPEndPoint(IPAddress.Parse(bound), 0));
        var port = ((IPEndPoint)socket.LocalEndPoint!).Port;
        var sockets = new InheritedSockets([socket]);

        Assert.Null(sockets.Take(new IPEndPoint(IPAddress.Parse(listener), port == 1 ? 2 : 1)));
        Assert.Equal(fits, sockets.Take(new IPEndPoint(IPAddress.Parse(listener), port)) == socket);
        Assert.Equal(fits ? null : socket, sockets.Take(new IPEndPoint(IPAddress.Parse(bound), port)));
    }

    [Fact]
    public void Take_SeveralOfOneAddressAndAUnixSocket_EachIsTakenOnceAndTheRestIsClosed()
    {
        var folder = Directory.CreateTempSubdirectory("relay-sockets-").FullName;
        var path = new UnixDomainSocketEndPoint(Path.Combine(folder, "admin.sock"));
        using var admin = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        admin.Bind(path);
        using var first = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        first.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        using var second = new Socket(new SafeSocketHandle(Descriptors.Duplicate((int)first.Handle), ownsHandle: true));
        using var third = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        third.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        var sockets = new InheritedSockets([first, admin, second, third]);

        Assert.Null(sockets.Take(new UnixDomainSocketEndPoint(Path.Combine(folder, "another.sock"))));
        Assert.Same(admin, sockets.Take(path));
        Assert.Null(sockets.Take(path));
        Assert.Same(first, sockets.Take(first.LocalEndPoint!));
        Assert.Same(second, sockets.Take(first.LocalEndPoint!));
        Assert.Null(sockets.Take(first.LocalEndPoint!));
        sockets.CloseRest();
        Assert.True(third.SafeHandle.IsClosed);
        Assert.False(first.SafeHandle.IsClosed);
        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public void Duplicate_OfASocket_IsAnotherDescriptorForTheSame()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        using var other = new Socket(new SafeSocketHandle(Descriptors.Duplicate((int)socket.Handle), ownsHandle: true));

        Assert.Equal((true, socket.LocalEndPoint), (other.Handle != socket.Handle, other.LocalEndPoint));
        Assert.False(InheritedSockets.Listens(other));
        socket.Listen();
        Assert.True(InheritedSockets.Listens(other));
    }

    private static Listener Listener(string text) => Relay.Transport.Listener.TryParse(text, out var listener, out var error) ? listener : throw new FormatException(error);
}
