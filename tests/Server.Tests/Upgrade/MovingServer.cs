using Google.Protobuf;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Relay.Addresses;
using Relay.Clients;
using Relay.Memory;
using Relay.Protocol.Moving;
using Relay.Sessions;
using Relay.Telemetry;
using Relay.Transport;
using Server.Tests.Sessions;
using Server.Tests.Support;

namespace Server.Tests.Upgrade;

/// <summary>One of two processes between which clients move, as far as features see them: sessions without a network.</summary>
internal sealed class MovingServer : IDisposable
{
    private readonly RelayMetrics _metrics = new();
    private readonly ConnectionTable _connections;
    private readonly Dictionary<long, SlowConnection> _sockets = [];

    public MovingServer(FakeTimeProvider? time = null)
    {
        Time = time ?? new FakeTimeProvider();
        _connections = new ConnectionTable(new ClosingConnections(Time), MemoryBudget.Unlimited);
        Services = new SessionServices(Options, Sessions, _metrics, Time, NullLogger<Session>.Instance);
    }

    public FakeTimeProvider Time { get; }

    /// <summary>The other process' clock has another beginning.</summary>
    public static FakeTimeProvider LaterTime()
    {
        var time = new FakeTimeProvider();
        time.Advance(TimeSpan.FromDays(400));
        return time;
    }

    public ClientSessionOptions Options { get; } = new();

    public SessionTable Sessions { get; } = new();

    public SessionServices Services { get; }

    public Client Connect(int address = 1)
    {
        var session = Create(Sessions.NextId(), IpKey.FromIpv4((uint)address), out var connection);
        connection.Open(session);
        var client = new Client(session);
        session.State = client;
        return client;
    }

    public Session Create(long id, IpKey address, out SlowConnection connection)
    {
        connection = new SlowConnection(_connections);
        return new Session(id, address, address, connection, SilentHandler.Instance, Services);
    }

    /// <summary>What features know of all clients here but those who stay, as bytes.</summary>
    public IReadOnlyList<byte[]> Write(IEnumerable<Client> staying, params IMovable[] features)
    {
        var parts = new List<byte[]>();
        var stays = staying.Select(client => client.Session.Id).ToHashSet();
        var departure = new Departure(new MovedTime(Time), stays, (part, _) => parts.Add(part.ToByteArray()));
        foreach (var session in Sessions.All.Where(session => !stays.Contains(session.Id)).ToList())
        {
            departure.Write(session.Save(departure.Time), descriptor: -1);
        }

        foreach (var feature in features)
        {
            feature.Write(departure);
        }

        return parts;
    }

    /// <summary>The same here, with other objects for the clients.</summary>
    public Arrivals Read(IEnumerable<byte[]> parts, params IMovable[] features)
    {
        var arrivals = new Arrivals(new MovedTime(Time), () => -1);
        foreach (var part in parts.Select(MovedPart.Parser.ParseFrom))
        {
            if (part.Client is { } state)
            {
                var session = Create(state.Session, MovedAddresses.Read(state.Address), out var connection);
                session.Restore(state, arrivals.Time);
                connection.Adopt(session);
                session.State = new Client(session);
                _sockets[state.Session] = connection;
                arrivals.Add(state.Session, session);
            }
            else
            {
                Assert.Contains(features, feature => feature.TryRead(part, arrivals));
            }
        }

        Array.ForEach(features, feature => feature.Complete(arrivals));
        return arrivals;
    }

    /// <summary>What was sent here to a client that has moved.</summary>
    public IReadOnlyList<string> SentTo(Client client) => _sockets[client.Session.Id].Sent;

    public void Dispose() => _metrics.Dispose();
}
