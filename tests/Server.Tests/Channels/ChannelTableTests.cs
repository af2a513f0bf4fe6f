using System.Runtime.CompilerServices;
using Microsoft.Extensions.Time.Testing;
using Relay.Channels;
using Relay.Clients;
using Relay.Memory;
using Relay.Protocol;

namespace Server.Tests.Channels;

public sealed class ChannelTableTests
{
    /// <summary>In the reference network whoever left was looked for in every channel that there was. There is one here that nobody can look at.</summary>
    [Fact]
    public void Remove_OneOfMany_LooksAtItsOwnChannelsOnly()
    {
        var (time, options) = (new FakeTimeProvider(), new ChannelOptions());
        var directory = new ChannelDirectory(time);
        var streams = new StreamTable(directory);
        var table = new ChannelTable(directory, streams, new UpstreamQueue(directory, options, new Relay.Sessions.ClientSessionOptions(), MemoryBudget.Unlimited, time), options);
        var (leaving, staying) = (new Client(null!), new Client(null!));
        table.Own(leaving, "own");
        table.Subscribe(leaving, "shared");
        table.Subscribe(staying, "shared");
        Channels(directory).Add("trap", null!);

        Assert.Equal(["own"], table.OwnedBy(leaving));
        Assert.Equal(2, table.Remove(leaving));

        Channels(directory).Remove("trap");
        Assert.Equal(["shared"], table.Snapshot().Select(channel => channel.ChannelId));
        Assert.Equal((0, 1), (table.Counts().Owned, table.Counts().Subscriptions));
    }

    // However much is waited for by others: upstream messages take a quarter of the budget, and make room among themselves.
    [Fact]
    public void Upstream_OfManyChannels_TakesAQuarterOfTheBudget()
    {
        var (time, options, memory) = (new FakeTimeProvider(), new ChannelOptions(), new MemoryBudget(400_000));
        var directory = new ChannelDirectory(time);
        var upstream = new UpstreamQueue(directory, options, new Relay.Sessions.ClientSessionOptions(), memory, time);
        var table = new ChannelTable(directory, new StreamTable(directory), upstream, options);
        var client = new Client(null!);
        for (var number = 0; number < 50; number++)
        {
            table.Subscribe(client, $"channel {number}");
            upstream.Add($"channel {number}", default, new SharedMessage(EncodedMessage.CopyOf(new byte[10_000])));
        }

        Assert.Equal((9, 9 * (10_000L + UpstreamQueue.Overhead), 41L), (upstream.Count, upstream.Bytes, upstream.Dropped));
        Assert.Equal(9 * (16_384 + UpstreamQueue.Overhead), memory.Used);

        time.Advance(options.UpstreamLifetime);
        Assert.False(upstream.Expire());
        Assert.Equal(0, memory.Used);
    }

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_channels")]
    private static extern ref Dictionary<string, Channel> Channels(ChannelDirectory directory);
}
