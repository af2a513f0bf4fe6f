using Relay.Configuration;
using Relay.Federation;
using Relay.Identity;
using Relay.TestKit;

namespace Relay.EndToEnd.Support;

/// <summary>Servers of one federation, each of an operator of its own, in this process.</summary>
internal sealed class FederationOfServers : IAsyncDisposable
{
    private readonly List<RelayServer> _servers = [];

    public IReadOnlyList<RelayServer> Servers => _servers;

    /// <summary>Starts so many; each but the first is told of the first.</summary>
    public static async Task<FederationOfServers> StartAsync(int count, Action<RelaySettings>? configure = null)
    {
        var all = new FederationOfServers();
        for (var i = 0; i < count; i++)
        {
            await all.AddAsync(configure);
        }

        return all;
    }

    public async Task<RelayServer> AddAsync(Action<RelaySettings>? configure = null)
    {
        var port = FreePort.Take();
        var server = await RelayServer.StartAsync(settings =>
        {
            settings.Listen.Port = port;
            settings.Identity.PublicEndpoint = $"ws://127.0.0.1:{port}";
            settings.Federation.Admit = FederationAdmit.Any;
            settings.Federation.PrivateEndpoints = true;
            settings.Federation.Connect = _servers.Count > 0 ? [$"ws://127.0.0.1:{_servers[0].Port}"] : [];
            configure?.Invoke(settings);
        });
        _servers.Add(server);
        return server;
    }

    public async Task StopAsync(RelayServer server)
    {
        _servers.Remove(server);
        await server.DisposeAsync();
    }

    /// <summary>Waits until each has a link with each.</summary>
    public Task LinkedAsync() => Eventually.TrueAsync(
        () => _servers.TrueForAll(server => _servers.TrueForAll(other =>
            other == server || server.Get<PeerTable>().Find(IdOf(other)) is not null)),
        "each server has a link with each",
        TimeSpan.FromSeconds(60));

    /// <summary>Waits until each has all, and nobody else, on its ring.</summary>
    public Task AgreeAsync()
    {
        var ids = _servers.Select(IdOf).Order(StringComparer.Ordinal).ToList();
        return Eventually.TrueAsync(
            () => _servers.TrueForAll(server => server.Get<FederationRing>().Shares().Select(share => share.Owner.ServerId).SequenceEqual(ids)),
            "all agree on the ring",
            TimeSpan.FromSeconds(60));
    }

    public static string IdOf(RelayServer server) => server.Get<ServerIdentity>().ServerId;

    public async ValueTask DisposeAsync()
    {
        foreach (var server in _servers)
        {
            await server.DisposeAsync();
        }
    }
}
