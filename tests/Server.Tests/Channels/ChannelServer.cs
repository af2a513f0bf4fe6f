using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Relay.Addresses;
using Relay.Channels;
using Relay.Clients;
using Relay.Memory;
using Relay.Protocol;
using Relay.Scheduling;
using Relay.Sessions;
using Relay.Telemetry;
using Relay.Transport;
using Server.Tests.Support;

namespace Server.Tests.Channels;

/// <summary>The handlers of channels with real sessions and no network.</summary>
internal sealed class ChannelServer : ISessionHandler, IDisposable
{
    private readonly RelayMetrics _metrics = new();
    private readonly SessionTable _sessions = new();
    private readonly ConnectionTable _connections;
    private readonly SessionServices _services;
    private readonly List<PeriodicWork> _ticking;

    public ChannelServer(ChannelOptions? channels = null, ClientSessionOptions? sessions = null)
    {
        channels ??= new ChannelOptions { UpstreamPerMinute = 100_000 };
        sessions ??= new ClientSessionOptions();
        _connections = new ConnectionTable(new ClosingConnections(Time), MemoryBudget.Unlimited);
        _services = new SessionServices(sessions, _sessions, _metrics, Time, NullLogger<Session>.Instance);
        var directory = Directory = new ChannelDirectory(Time);
        var streams = new StreamTable(directory);
        var upstream = new UpstreamQueue(directory, channels, sessions, MemoryBudget.Unlimited, Time);
        Table = new ChannelTable(directory, streams, upstream, channels);
        var alone = new ChannelBus(new Relay.Cluster.ClusterOptions(), null!, null!, null!);
        var announcer = new ChannelAnnouncer(directory, alone);
        var delivery = new UpstreamDelivery(upstream, new RemoteUpstream(directory, alone, sessions));
        var owners = Owners = new RemoteOwners(directory, streams, delivery);
        var schedule = new ChannelSchedule(Time);
        var remote = new RemoteChannels(
            directory, streams, owners, new OwnerQuestions(directory, owners, schedule, alone, null!, null!), schedule, announcer, alone, null!);
        _ticking =
        [
            Ticking.Start(Time, UpstreamDelivery.Interval, delivery.Sweep),
            Ticking.Start(Time, ClosingConnections.Interval, _connections.Closing.Sweep),
        ];
        Channels = new ChannelHandler(Table, streams, upstream, delivery, remote, channels, Time);
        Streams = new StreamHandler(streams, announcer);
    }

    public FakeTimeProvider Time { get; } = new();

    public ChannelDirectory Directory { get; }

    public ChannelTable Table { get; }

    public RemoteOwners Owners { get; }

    public ChannelHandler Channels { get; }

    public StreamHandler Streams { get; }

    /// <param name="address">Of the client, in a network of its own; 0: one that most share.</param>
    public Member Connect(bool stuck = false, int address = 0)
    {
        var key = IpKey.FromIpv4((uint)address << 8);
        var socket = new ClientSocket(_connections, stuck);
        var session = new Session(_sessions.NextId(), key, key, socket, this, _services);
        var client = new Client(session);
        session.State = client;
        socket.Open(session);
        return new Member(this, client, socket, socket.Over);
    }

    /// <summary>Lets time pass until something has happened; fails after ten seconds of real time.</summary>
    public async Task UntilAsync(Func<bool> condition, string what)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(5));
        using var cancel = new CancellationTokenSource(TimeSpan.FromSeconds(10));
        while (!condition())
        {
            Assert.False(cancel.IsCancellationRequested, $"did not happen in time: {what}");
            Time.Advance(TimeSpan.FromMilliseconds(250));
            await timer.WaitForNextTickAsync(CancellationToken.None);
        }
    }

    public void OnOpened(Session session)
    {
    }

    public ValueTask OnMessageAsync(Session session, ReadOnlyMemory<byte> message, long receivedAt) => ValueTask.CompletedTask;

    public void OnClosed(Session session)
    {
        Client.Of(session).MarkLeft();
        Channels.Leave(Client.Of(session));
    }

    public void Dispose()
    {
        _ticking.ForEach(work => work.Dispose());
        _metrics.Dispose();
    }
}

/// <summary>A client of it. What it says is handled before the call returns.</summary>
internal sealed class Member(ChannelServer server, Client client, ClientSocket socket, Task session)
{
    public Client Client => client;

    public ClientSocket Socket => socket;

    public void Own(string channelId) => Say($$"""{"channelId":"{{channelId}}"}""", (in ClientMessage message) => Assert.True(server.Channels.RegisterOwnerAsync(client, message).AsTask().IsCompletedSuccessfully));

    public void Subscribe(string channelId) => Say($$"""{"channelId":"{{channelId}}"}""", (in ClientMessage message) => Assert.True(server.Channels.SubscribeAsync(client, channelId).AsTask().IsCompletedSuccessfully));

    public void Upstream(string channelId, string content) => Say(
        $$"""{"channelId":"{{channelId}}","message":{{content}},"ephemeralPublicKey":"k"}""",
        (in ClientMessage message) => server.Channels.SendUpstream(client, message));

    public void Start(string channelId, string streamId) => Say(
        $$"""{"channelId":"{{channelId}}","streamId":"{{streamId}}"}""", (in ClientMessage message) => server.Streams.Start(client, message));

    public void Frame(string channelId, string streamId, string content) => Say(
        $$"""{"channelId":"{{channelId}}","streamId":"{{streamId}}","frame":{{content}}}""",
        (in ClientMessage message) => server.Streams.Frame(client, message, receivedAt: 0));

    public void End(string channelId, string streamId) => Say(
        $$"""{"channelId":"{{channelId}}","streamId":"{{streamId}}"}""", (in ClientMessage message) => server.Streams.End(client, message));

    /// <summary>Leaves, and gives all that the client heard to the last.</summary>
    public async Task<IReadOnlyList<string>> LeaveAsync()
    {
        socket.Leave();
        await session.WaitAsync(TimeSpan.FromSeconds(30));
        return socket.Heard;
    }

    private delegate void Handle(in ClientMessage message);

    private static void Say(string text, Handle handle)
    {
        Assert.True(ClientMessage.TryParse(Encoding.UTF8.GetBytes(text), Relay.ClientMessages.Fields, out var message));
        using (message)
        {
            handle(message);
        }
    }
}
