using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Relay.Native;
using Relay.Transport;
using Relay.Upgrade;
using Relay.Upgrade.V1;

namespace Server.Tests.Upgrade;

/// <summary>Messages and descriptors between two processes, of which both are this one here.</summary>
public sealed class UpgradeLinkTests : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly int _other;
    private readonly UpgradeLink _from;
    private readonly UpgradeLink _to;

    public UpgradeLinkTests()
    {
        Assert.True(PassedDescriptors.TryCreatePair(out var own, out _other));
        (_from, _to) = (new UpgradeLink(own, TimeProvider.System), new UpgradeLink(_other, TimeProvider.System));
    }

    public void Dispose()
    {
        _from.Dispose();
        _to.Dispose();
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(PassedDescriptors.Max)]
    public async Task Receive_WhatWasSent_IsTheSameWithDescriptorsOfTheSame(int count)
    {
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        var message = new Handover { Offer = new Offer { Program = "1.2.3", Who = "uid=0(root)", Reason = new string('x', 256) } };
        var sending = Task.Run(() => _from.Send(message, [.. Enumerable.Repeat((int)listener.Handle, count)], Patience), TestContext.Current.CancellationToken);

        Assert.Equal(message, _to.Receive(Patience, out var descriptors));
        await sending;
        Assert.Equal(count, descriptors.Distinct().Count());
        var sockets = InheritedSockets.Of(descriptors);
        for (var i = 0; i < count; i++)
        {
            using var socket = sockets.Take(listener.LocalEndPoint!);
            Assert.True(InheritedSockets.Listens(socket!));
        }

        Assert.Null(sockets.Take(listener.LocalEndPoint!));
    }

    [Fact]
    public async Task Receive_MessagesThatAreLong_ComeWholeAndInOrder()
    {
        var sent = Enumerable.Range(1, 20).Select(i => new Handover { Failed = new Failed { Problem = new string((char)('a' + i), i * 40_000) } }).ToList();
        var sending = Task.Run(() => sent.ForEach(message => _from.Send(message, [], Patience)), TestContext.Current.CancellationToken);

        Assert.All(sent, message => Assert.Equal(message, _to.Receive(Patience, out _)));
        await sending;
    }

    [Fact]
    public void Receive_OtherEndIsClosed_SaysSo()
    {
        _from.Dispose();

        Assert.Equal("the other process has ended", Assert.Throws<UpgradeException>(() => _to.Receive(Patience, out _)).Message);
        Assert.Equal("the other process has ended", Assert.Throws<UpgradeException>(() => _to.Send(new Handover(), [], Patience)).Message);
    }

    [Fact]
    public void Receive_NothingComes_EndsInTime()
    {
        var watch = Stopwatch.StartNew();

        Assert.Equal("no answer within 1 s", Assert.Throws<UpgradeException>(() => _to.Receive(TimeSpan.FromSeconds(1), out _)).Message);
        Assert.InRange(watch.Elapsed, TimeSpan.FromSeconds(0.9), Patience);
    }

    [Fact]
    public void Send_NobodyReads_EndsInTime()
    {
        var large = new Handover { Failed = new Failed { Problem = new string('x', 900_000) } };

        Assert.Equal("the other process takes nothing", Assert.Throws<UpgradeException>(() => _from.Send(large, [], TimeSpan.FromSeconds(0.5))).Message);
    }

    // A program in the place of relayd may write anything.
    [Fact]
    public void Receive_Anything_IsAMessageOrAnUpgradeException()
    {
        var random = new Random(7);
        for (var round = 0; round < 300; round++)
        {
            Assert.True(PassedDescriptors.TryCreatePair(out var writer, out var reader));
            using var link = new UpgradeLink(reader, TimeProvider.System);
            var bytes = new byte[random.Next(1, 64)];
            random.NextBytes(bytes);
            if (round % 2 == 0)
            {
                // A length that fits, so that it is read as a message.
                bytes = [(byte)bytes.Length, 0, 0, 0, 0, 0, 0, 0, .. bytes];
            }

            Assert.Equal(bytes.Length, PassedDescriptors.Send(writer, bytes, []));
            Descriptors.Close(writer);
            try
            {
                link.Receive(Patience, out _);
            }
            catch (UpgradeException)
            {
                // As it should.
            }
        }
    }
}
