using System.Text.Json;
using Relay.EndToEnd.Support;
using Relay.Sessions;

namespace Relay.EndToEnd.Admin;

/// <summary>What the relay does by itself is audited in its own name, though no operator ever called.</summary>
public sealed class OperatorLogTests
{
    [Fact]
    public async Task AutomaticBan_NobodyCalled_IsAuditedAsRelayd()
    {
        await using var server = await RelayServer.StartAsync(settings => (settings.Admission.PerIp, settings.AutoBan.Threshold, settings.AutoBan.PrivateNetworks) = (1, 2, true));
        await using var held = await TestClient.ConnectAsync(server);
        for (var i = 0; i < 2; i++)
        {
            using var refused = await RawClient.ConnectAsync(server);
            await refused.SendAsync(RawClient.Request());
            await refused.ReadHeadAsync();
        }

        var entry = await EntryAsync(server, "Ban");
        Assert.Equal(("relayd", "network=127.0.0.1", "ok"), (Text(entry, "who"), Text(entry, "what"), Text(entry, "result")));
    }

    [Fact]
    public async Task Drain_ToItsEnd_IsAuditedAsRelayd()
    {
        await using var server = await RelayServer.StartAsync();
        server.Get<Drainer>().Start(rate: 100, TimeSpan.FromMinutes(1));

        Assert.Equal("relayd", Text(await EntryAsync(server, "State", "draining"), "who"));
        Assert.Equal("disconnected=0", Text(await EntryAsync(server, "Drained"), "what"));
        server.Get<Drainer>().Cancel();
        await EntryAsync(server, "State", "serving");
    }

    [Fact]
    public async Task OverloadLevel_Raised_IsAuditedAsRelayd()
    {
        await using var server = await RelayServer.StartAsync(settings =>
        {
            settings.Admission.PerIp = 1;
            (settings.Overload.ElevatedTotal, settings.Overload.CriticalTotal) = (1, 1_000_000);
            (settings.Overload.ElevatedPerIp, settings.Overload.CriticalPerIp) = (1_000_000, 1_000_000);
        });
        await using var held = await TestClient.ConnectAsync(server);
        using var stop = new CancellationTokenSource();
        var refusing = Task.Run(async () =>
        {
            while (!stop.IsCancellationRequested)
            {
                using var refused = await RawClient.ConnectAsync(server);
                await refused.SendAsync(RawClient.Request());
                await refused.ReadHeadAsync();
            }
        }, TestContext.Current.CancellationToken);

        var entry = await EntryAsync(server, "OverloadLevel");
        Assert.Equal(("relayd", "normal", "elevated"), (Text(entry, "who"), Text(entry, "before"), Text(entry, "after")));
        await stop.CancelAsync();
        await refusing;
    }

    private static async Task<JsonElement> EntryAsync(RelayServer server, string method, string? what = null)
    {
        JsonElement? found = null;
        await Eventually.TrueAsync(
            () =>
            {
                found = Lines(server).Select(line => JsonDocument.Parse(line).RootElement)
                    .Where(entry => Text(entry, "method") == method && (what is null || Text(entry, "what") == what))
                    .Select(entry => (JsonElement?)entry).LastOrDefault();
                return found is not null;
            },
            $"an entry of {method}");
        return found!.Value;
    }

    private static string[] Lines(RelayServer server)
    {
        using var file = new FileStream(server.Settings.Audit.File, FileMode.OpenOrCreate, FileAccess.Read, FileShare.ReadWrite);
        using var reader = new StreamReader(file);
        return reader.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries).Where(line => line.EndsWith('}')).ToArray();
    }

    private static string? Text(JsonElement entry, string field) => entry.TryGetProperty(field, out var value) ? value.GetString() : null;
}
