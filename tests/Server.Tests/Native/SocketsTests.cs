using System.Net;
using System.Net.Sockets;
using Relay.Native;

namespace Server.Tests.Native;

/// <summary>What the calls on sockets return, and above all that a failure is the negated error number of the system.</summary>
public sealed class SocketsTests : IDisposable
{
    private const int BadDescriptor = 9;
    private const int BrokenPipe = 32;
    private const int ConnectionReset = 104;

    private readonly Socket _listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private readonly Socket _peer = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true, ReceiveTimeout = 10_000 };
    private readonly Epoll? _epoll = OperatingSystem.IsLinux() ? new Epoll(1) : null;
    private int _accepted = -1;

    public SocketsTests() => Assert.SkipUnless(OperatingSystem.IsLinux(), "SKIPPED: these are Linux' own numbers.");

    [Fact]
    public void Accept_NobodyThere_IsTryAgain()
    {
        Listen(_listener, IPAddress.Loopback);
        Assert.Equal(-Errno.TryAgain, Sockets.Accept(Descriptor(_listener), out _, out _));
    }

    [Fact]
    public void Accept_NotASocket_IsTheErrorNumber()
    {
        const int NotASocket = 88;
        var other = Descriptors.CreateEvent();
        Assert.Equal(-NotASocket, Sockets.Accept(other, out _, out _));
        Descriptors.Close(other);
        Assert.Equal(-BadDescriptor, Sockets.Accept(-1, out _, out _));
    }

    [Fact]
    public void Accept_AnIpv4Peer_GivesItsMappedAddress()
    {
        Listen(_listener, IPAddress.Loopback);
        _peer.Bind(new IPEndPoint(IPAddress.Parse("127.1.2.3"), 0));
        _peer.Connect(_listener.LocalEndPoint!);
        _accepted = Sockets.Accept(Descriptor(_listener), out var high, out var low);

        Assert.True(_accepted >= 0, $"{_accepted}");
        Assert.Equal((0UL, 0xFFFF_7F01_0203UL), (high, low));
    }

    [Fact]
    public void Accept_AnIpv6Peer_GivesAll128Bits()
    {
        Assert.SkipUnless(Socket.OSSupportsIPv6, "SKIPPED: this machine has no IPv6.");
        using var listener = new Socket(AddressFamily.InterNetworkV6, SocketType.Stream, ProtocolType.Tcp);
        Listen(listener, IPAddress.IPv6Loopback);
        using var peer = new Socket(AddressFamily.InterNetworkV6, SocketType.Stream, ProtocolType.Tcp);
        peer.Connect(listener.LocalEndPoint!);
        _accepted = Sockets.Accept(Descriptor(listener), out var high, out var low);

        Assert.True(_accepted >= 0, $"{_accepted}");
        Assert.Equal((0UL, 1UL), (high, low));
    }

    [Fact]
    public void Receive_WhatHasCome_IsLookedAtAndTaken()
    {
        Connect();
        Assert.Equal(-Errno.TryAgain, Sockets.Receive(_accepted, new byte[8]));
        Assert.Equal(-Errno.TryAgain, Sockets.Look(_accepted, new byte[8]));
        _peer.Send("abc"u8);
        Await(EpollEvents.Readable);

        var bytes = new byte[8];
        Assert.Equal((3, (byte)'a'), (Sockets.Look(_accepted, bytes), bytes[0]));
        Assert.Equal((2, (byte)'a'), (Sockets.Receive(_accepted, bytes.AsSpan(0, 2)), bytes[0]));
        Assert.Equal((1, (byte)'c'), (Sockets.Receive(_accepted, bytes), bytes[0]));
        Assert.Equal(-Errno.TryAgain, Sockets.Receive(_accepted, bytes));
    }

    [Fact]
    public void Receive_AfterTheEnd_IsZero()
    {
        Connect();
        _peer.Shutdown(SocketShutdown.Send);
        Await(EpollEvents.Readable);

        Assert.Equal((0, 0), (Sockets.Look(_accepted, new byte[8]), Sockets.Receive(_accepted, new byte[8])));
    }

    [Fact]
    public void Receive_AfterAReset_IsConnectionReset()
    {
        Connect();
        _peer.Close(0);
        Await(EpollEvents.HungUp);

        Assert.Equal(-ConnectionReset, Sockets.Receive(_accepted, new byte[8]));
    }

    [Fact]
    public void Send_APeerThatDoesNotRead_IsPartAndThenTryAgain()
    {
        _peer.ReceiveBufferSize = 4096;
        Connect();
        var bytes = new byte[16 * 1024 * 1024];
        var sent = Sockets.Send(_accepted, bytes);

        // The system may take more as soon as the first of it is on its way.
        Assert.InRange(sent, 1, bytes.Length - 1);
        for (var left = bytes.Length; sent > 0; left -= sent)
        {
            Assert.True(left > 0, "all was taken");
            sent = Sockets.Send(_accepted, bytes);
        }

        Assert.Equal(-Errno.TryAgain, sent);
    }

    /// <summary>EPIPE, and no SIGPIPE, which would end the process.</summary>
    [Fact]
    public void Send_AfterTheOwnEnd_IsBrokenPipe()
    {
        Connect();
        Sockets.FinishSending(_accepted);
        Assert.Equal(0, _peer.Receive(new byte[8]));

        Assert.Equal(-BrokenPipe, Sockets.Send(_accepted, "x"u8));
    }

    [Fact]
    public void Send_AfterAReset_IsResetAndThenBrokenPipe()
    {
        Connect();
        _peer.Close(0);
        Await(EpollEvents.HungUp);

        // The reset is reported once.
        Assert.Equal(-ConnectionReset, Sockets.Send(_accepted, "x"u8));
        Assert.Equal(-BrokenPipe, Sockets.Send(_accepted, "x"u8));
    }

    [Fact]
    public void AnyCall_AClosedDescriptor_IsBadDescriptor()
    {
        // No number of a descriptor that is closed: another thread might be given it at any moment.
        Assert.Equal(-BadDescriptor, Sockets.Receive(-1, new byte[8]));
        Assert.Equal(-BadDescriptor, Sockets.Look(-1, new byte[8]));
        Assert.Equal(-BadDescriptor, Sockets.Send(-1, "x"u8));
        Sockets.FinishSending(-1);
        Sockets.Reset(-1);
    }

    [Fact]
    public void Reset_WithWhatWasNotRead_ReachesThePeerAsAReset()
    {
        Connect();
        Assert.Equal(1, Sockets.Send(_accepted, "x"u8));
        Sockets.Reset(_accepted);
        _accepted = -1;

        Assert.Equal(SocketError.ConnectionReset, Assert.Throws<SocketException>(() =>
        {
            while (_peer.Receive(new byte[8]) > 0)
            {
            }
        }).SocketErrorCode);
    }

    public void Dispose()
    {
        _listener.Dispose();
        _peer.Dispose();
        _epoll?.Dispose();
        if (_accepted >= 0)
        {
            Descriptors.Close(_accepted);
        }
    }

    private static int Descriptor(Socket socket) => (int)socket.Handle;

    private static void Listen(Socket listener, IPAddress address)
    {
        listener.Blocking = false;
        listener.Bind(new IPEndPoint(address, 0));
        listener.Listen();
    }

    private void Connect()
    {
        Listen(_listener, IPAddress.Loopback);
        _peer.Connect(_listener.LocalEndPoint!);
        _accepted = Sockets.Accept(Descriptor(_listener), out _, out _);
        Assert.True(_accepted >= 0, $"{_accepted}");
    }

    private void Await(EpollEvents events)
    {
        Assert.True(_epoll!.TryAdd(_accepted, events, 0));
        Assert.Equal(1, _epoll.Wait(10_000));
        Assert.True((_epoll.EventsAt(0) & events) == events, $"{_epoll.EventsAt(0)}");
    }
}
