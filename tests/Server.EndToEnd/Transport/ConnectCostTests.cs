using System.Net.Sockets;
using Microsoft.Extensions.DependencyInjection;
using Relay.Configuration;
using Relay.EndToEnd.Support;
using Relay.Sessions;
using Relay.Transport;

namespace Relay.EndToEnd.Transport;

/// <summary>
/// What a loop of the engine allocates for a connection, from the accept to its end. Whatever it does runs on its thread, so what that
/// thread has allocated from one request to the next is the cost of one connection, whoever else allocates meanwhile.
/// </summary>
public sealed class ConnectCostTests(ITestOutputHelper output)
{
    private const int Connects = 100;
    private const int Rounds = 5;
    private const int ResetsInARound = 200;
    private const int MaxForClient = 750;
    private const int MaxForRefused = 250;
    private const string Refused = "127.0.0.2";

    private readonly List<long> _allocated = [];

    [Fact]
    public async Task Connect_AndClose_AllocatesLessThanAKilobyte()
    {
        await using var server = await StartAsync();
        for (var i = 0; i <= Connects; i++)
        {
            using var client = await RawClient.UpgradeAsync(server);
            await CloseAsync(client);
        }

        AssertMedian(MaxForClient);
    }

    [Fact]
    public async Task Refuse_WithACloseFrame_AllocatesTheConnectionOnly()
    {
        await using var server = await StartAsync();
        using var held = await RawClient.UpgradeAsync(server, Refused);
        _allocated.Clear();
        for (var i = 0; i <= Connects; i++)
        {
            using var client = await RawClient.UpgradeAsync(server, Refused);
            Assert.Equal(1013, (await client.ReadCloseAsync()).Code);
            await CloseAsync(client);
        }

        AssertMedian(MaxForRefused);
    }

    [Fact]
    public async Task Refuse_WithAReset_AllocatesNothing()
    {
        await using var server = await StartAsync(settings =>
        {
            settings.Admission.OverloadLevel = "auto";
            settings.Overload.ElevatedPerIp = settings.Overload.CriticalPerIp = 1;
            settings.Overload.ElevatedTotal = settings.Overload.CriticalTotal = 1_000_000;
        });
        using var held = await RawClient.UpgradeAsync(server, Refused);
        using var patience = new CancellationTokenSource(TestClient.Timeout);
        while (!await IsResetAsync(server))
        {
            Assert.False(patience.IsCancellationRequested, "a flood is reset in the end");
        }

        // One who is let in, many who are reset, and so on: all that a round allocates is the cost of the one.
        _allocated.Clear();
        for (var round = 0; round <= Rounds; round++)
        {
            using (var client = await RawClient.UpgradeAsync(server))
            {
                await CloseAsync(client);
            }

            for (var i = 0; i < ResetsInARound; i++)
            {
                Assert.True(await IsResetAsync(server));
            }
        }

        AssertMedian(MaxForClient);
    }

    private async Task<RelayServer> StartAsync(Action<RelaySettings>? configure = null)
    {
        Assert.SkipWhen(TestTransport.Kind == TransportKind.Kestrel || !OperatingSystem.IsLinux(), "SKIPPED: the engine's loops are measured.");
        return await RelayServer.StartAsync(
            settings =>
            {
                (settings.Listen.Loops, settings.Admission.PerIp) = (1, 1);
                configure?.Invoke(settings);
            },
            configureServices: services => services.AddSingleton<ClientEntrance>(provider => (request, connection) =>
            {
                lock (_allocated)
                {
                    _allocated.Add(GC.GetAllocatedBytesForCurrentThread());
                }

                return provider.GetRequiredService<SessionEndpoint>().Open(request, connection);
            }));
    }

    // False: it was told in another way.
    private static async Task<bool> IsResetAsync(RelayServer server)
    {
        try
        {
            using var client = await RawClient.ConnectAsync(server, Refused);
            await client.SendAsync(RawClient.Request());
            return await client.ReadHeadAsync() == "";
        }
        catch (Exception exception) when (exception is IOException or SocketException)
        {
            // Before it could ask.
            return true;
        }
    }

    private static async Task CloseAsync(RawClient client)
    {
        await client.SendAsync(RawClient.CloseFrame);
        await client.ReadToEndAsync();
    }

    private void AssertMedian(long max)
    {
        lock (_allocated)
        {
            var costs = _allocated.Zip(_allocated.Skip(1), (one, next) => next - one).Order().ToList();
            output.WriteLine($"{costs[costs.Count / 2]} bytes (of {costs.Count}: {costs[0]} to {costs[^1]})");
            Assert.InRange(costs[costs.Count / 2], 1, max);
        }
    }
}
