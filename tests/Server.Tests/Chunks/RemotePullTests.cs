using Microsoft.Extensions.Time.Testing;
using Relay.Addresses;
using Relay.Channels;
using Relay.Chunks;
using Relay.Clients;

namespace Server.Tests.Chunks;

/// <summary>Pulls with another relay in the place of the source, or of a client that waits.</summary>
public sealed class RemotePullTests
{
    private static readonly ChunkKey Key = new("news", "c");
    private static readonly IpKey Address = IpKey.FromIpv4(1);

    private readonly FakeTimeProvider _time = new();
    private readonly ChannelTable _channels;
    private readonly ChunkTable _table;
    private readonly Client _client = new(null!);
    private readonly Client _source = new(null!);
    private readonly RemoteSource _relays = new([7, 8]);
    private readonly RemoteWaiter _waiter = new(null!, default, Address);

    public RemotePullTests()
    {
        _channels = ChunkTables.Channels(_time);
        _table = new ChunkTable(new ChunkOptions(), _channels, _time);
    }

    [Fact]
    public void Request_NoSourceHere_AsksTheOtherRelayOnce()
    {
        Assert.Equal(new RequestAnswer(Availability.ToWaitFor), Request(_client, _relays, notified: false));
        Assert.Equal(new RequestAnswer(Availability.ToWaitFor, Ask: _relays), Request(_client, _relays));
        Assert.Equal(new RequestAnswer(Availability.ToWaitFor), Request(new Client(null!), new RemoteSource([9])));
        Assert.Equal(2, _table.Remote.Bring(Key, _relays).Count);
        Assert.Equal((0, 0), (_table.Counts().Pulls, _table.Counts().Known));
    }

    [Fact]
    public void Request_SourceHere_IsAskedBeforeOtherRelays()
    {
        _table.Announce(_source, Address, "news", ["c"]);
        Assert.Equal(new RequestAnswer(Availability.ToWaitFor, Ask: _source), Request(_client, _relays));
        Assert.Null(_table.Remote.PassOn(Key, _relays));
        Assert.Empty(_table.Remote.Bring(Key, _relays));
    }

    /// <summary>Two relays that asked each other would wait for each other.</summary>
    [Fact]
    public void Request_OfARelayForWhatAnotherIsAsked_HasNoSource()
    {
        Request(_client, _relays);
        Assert.Equal(Availability.NoSource, Request(_waiter, null).Availability);

        _table.Announce(_source, Address, "news", ["d"]);
        Assert.Equal(_source, _table.Request(_waiter, Address, "d", "news", notified: true).Ask);
    }

    [Fact]
    public void PassOn_ThroughAllRelays_EndsWithNobody()
    {
        Request(_client, _relays);
        var next = (RemoteSource)_table.Remote.PassOn(Key, _relays)!.Value.Next!;
        Assert.Equal(8UL, next.Epoch);

        // The answer of the first comes late.
        Assert.Empty(_table.Remote.Bring(Key, _relays));
        Assert.Null(_table.Remote.PassOn(Key, _relays));
        Assert.Empty(_table.Remote.PassOn(7));
        var end = Assert.Single(_table.Remote.PassOn(8));
        Assert.Equal((null, (Party)_client), (end.Next, end.Waiters.Single()));
        Assert.Equal((0, 0), (_table.Counts().Pulls, _table.Counts().Known));
    }

    [Fact]
    public void PassOn_SourceHereMeanwhile_IsItsTurn()
    {
        Request(_client, _relays);
        _table.Announce(_source, Address, null, ["c"]);
        Assert.Equal(_source, _table.Remote.PassOn(Key, _relays)!.Value.Next);
    }

    [Fact]
    public void Push_WhileAnotherRelayIsAsked_ServesAllAndItsAnswerIsTooLate()
    {
        Request(_client, _relays);
        _channels.Own(_source, "news");
        var content = _table.Accept(_source, Address, "c", "news", "digest", 1).Content!;
        Assert.Empty(_table.Remote.Bring(Key, _relays));
        Assert.Equal<Party>([_client], _table.Finish(content, written: true));
        Assert.Equal(Availability.Kept, Request(_waiter, null).Availability);
    }

    [Fact]
    public void Leave_LastSource_EndsThePullOfAWaitingRelay()
    {
        _table.Announce(_source, Address, "news", ["c"]);
        Assert.Equal((true, false), _table.Remote.SourcesOf(Key));
        Request(_waiter, null);
        Assert.True(_table.Remote.IsWaitedFor(Key));
        var end = Assert.Single(_table.Leave(_source));
        Assert.Equal((null, (Party)_waiter), (end.Next, end.Waiters.Single()));
        Assert.Equal((false, false), _table.Remote.SourcesOf(Key));
    }

    private RequestAnswer Request(Party client, RemoteSource? elsewhere, bool notified = true) =>
        _table.Request(client, Address, "c", "news", notified, elsewhere);
}
