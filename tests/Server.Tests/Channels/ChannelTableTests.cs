using System.Runtime.CompilerServices;
using Microsoft.Extensions.Time.Testing;
using Relay.Channels;
using Relay.Clients;

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
        var table = new ChannelTable(directory, streams, new UpstreamQueue(directory, options, new Relay.Sessions.ClientSessionOptions(), time), options);
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

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_channels")]
    private static extern ref Dictionary<string, Channel> Channels(ChannelDirectory directory);
}
