using Relay.Addresses;
using Relay.Clients;
using Relay.Cluster;
using Server.Tests.Sessions;

namespace Server.Tests.Cluster;

/// <summary>The names of one relay's clients, on a real NATS server.</summary>
internal sealed class NameNode : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly QuietSessions _sessions = new();
    private readonly TestNode _node;
    private readonly ITimer _sweep;

    private NameNode(TestNode node, ClusterOptions cluster, ClientOptions options)
    {
        _node = node;
        Directory = new ClientDirectory(options, TimeProvider.System);
        Table = new ClusterNameTable(options, node.Node, node.Connection, TimeProvider.System);
        var silent = new SilentHolders(options, TimeProvider.System);
        var names = new ClusterNames(cluster, options, node.Subjects, node.Bus, Table, new ClusterNameAnswers(Directory, silent, Table, node.Bus));
        Claims = new NameClaims(Directory, silent, names);
        _sweep = TimeProvider.System.CreateTimer(
            _ =>
            {
                names.Sweep();
                silent.Sweep();
            },
            null,
            ClusterNames.Interval,
            ClusterNames.Interval);
    }

    public ClientDirectory Directory { get; }

    public ClusterNameTable Table { get; }

    public NameClaims Claims { get; }

    public ClusterBus Bus => _node.Bus;

    public ClusterSubjects Subjects => _node.Subjects;

    public ulong Epoch => _node.Node.Epoch;

    /// <summary>Its answers have long: the machine may be busy, and a silent node counts as gone.</summary>
    public static async Task<NameNode> StartAsync(string url, string name, ClientOptions? options = null, TimeSpan? answerTimeout = null)
    {
        ClusterOptions? cluster = null;
        var node = await TestNode.StartAsync(url, name, set =>
        {
            set.AnswerTimeout = answerTimeout ?? Patience;
            cluster = set;
        });
        return new NameNode(node, cluster!, options ?? new ClientOptions());
    }

    public Client Connect()
    {
        lock (_sessions)
        {
            var session = _sessions.Open(IpKey.FromIpv4(1));
            var client = new Client(session);
            session.State = client;
            return client;
        }
    }

    public async Task<bool> ClaimAsync(Client client, string code, string key) =>
        await Claims.ClaimCodeAsync(client, code, key).AsTask().WaitAsync(Patience) == Claim.Taken;

    public void Leave(Client client)
    {
        Claims.BeginLeave(client);
        Claims.Release(client);
    }

    public async ValueTask DisposeAsync()
    {
        await _sweep.DisposeAsync();
        await _node.DisposeAsync();
        _sessions.Dispose();
    }
}
