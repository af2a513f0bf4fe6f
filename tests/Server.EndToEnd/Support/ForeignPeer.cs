using System.Diagnostics;
using System.Text.Json.Nodes;
using Relay.TestKit;

namespace Relay.EndToEnd.Support;

/// <summary>A server of another make: peer.mjs in a process of its own. Commands are answered one after another.</summary>
internal sealed class ForeignPeer : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly Process _process;

    private ForeignPeer(Process process, int port) => (_process, Port) = (process, port);

    public int Port { get; }

    public string ServerId { get; private set; } = "";

    /// <param name="seed">Makes its key.</param>
    /// <param name="urls">Servers that it dials.</param>
    public static async Task<ForeignPeer> StartAsync(int seed, params string[] urls)
    {
        var port = FreePort.Take();
        var process = Process.Start(new ProcessStartInfo(
            "node", [Path.Combine(AppContext.BaseDirectory, "Federation", "peer.mjs"), $"{port}", $"{seed}", .. urls])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        })!;
        var peer = new ForeignPeer(process, port);
        peer.ServerId = (string)(await peer.ReadAsync())["listening"]!;
        return peer;
    }

    public Task<JsonNode> GetAsync(string what) => AskAsync(new JsonObject { ["get"] = what });

    public async Task<string[]> OwnersOfAsync(string text) =>
        [.. (await AskAsync(new JsonObject { ["get"] = "owners", ["text"] = text })).AsArray().Select(owner => (string)owner!)];

    /// <summary>Its members by id, with their status.</summary>
    public async Task<Dictionary<string, string>> MembersAsync() =>
        (await GetAsync("members")).AsArray().ToDictionary(member => (string)member!["serverId"]!, member => (string)member!["status"]!);

    public Task GossipAsync(string subtype, JsonNode payload, JsonArray? piggyback = null)
    {
        var command = new JsonObject { ["do"] = "gossip", ["subtype"] = subtype, ["payload"] = payload };
        if (piggyback is not null)
        {
            command["piggyback"] = piggyback;
        }

        return AskAsync(command);
    }

    public Task LeaveAsync() => AskAsync(new JsonObject { ["do"] = "leave" });

    public async Task<JsonNode> AskAsync(JsonObject command)
    {
        await _process.StandardInput.WriteLineAsync(command.ToJsonString());
        await _process.StandardInput.FlushAsync();
        return await ReadAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
        }

        await _process.WaitForExitAsync().WaitAsync(Patience);
        _process.Dispose();
    }

    private async Task<JsonNode> ReadAsync()
    {
        var line = await _process.StandardOutput.ReadLineAsync().WaitAsync(Patience);
        return JsonNode.Parse(line ?? throw new InvalidOperationException("node has ended"))!;
    }
}
