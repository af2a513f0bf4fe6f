using System.Buffers.Binary;
using System.Text;
using CsCheck;
using Grpc.Core;
using Relay.AdminApi;
using Relay.Admission;
using Relay.EndToEnd.Support;
using Relay.Policy;

namespace Relay.EndToEnd.Admin;

/// <summary>What explain says of a connection is what a real socket then sees.</summary>
public sealed class ExplainProperties
{
    private const int Iterations = 30;

    private static readonly (string Path, string?[] Texts)[] Items =
    [
        ("total", ["2", "4", "50"]),
        ("per-ip", ["1", "2", "3"]),
        ("per-24", ["off", "2x"]),
        ("rate-per-ip", ["off", "1/m burst 2"]),
        ("rate-total", ["off", "1/m burst 3"]),
        ("override/127.0.1.0/24", ["deny", "unlimited", "3", null]),
        ("override/203.0.113.0/24", ["deny", "unlimited", null]),
        ("ban/127.0.2.0/24", ["forever testing", null]),
        ("ban/203.0.113.7", ["forever", null]),
        ("unresolved", ["total-only", "refuse"]),
        ("unresolved-limit", ["1"]),
        ("overload-level", ["normal", "elevated", "critical"]),
    ];

    // Direct clients, and three behind a trusted proxy: one known, one of a provider's IPv6, one unknown.
    private static readonly (string From, string? Header)[] Clients =
    [
        ("127.0.1.1", null), ("127.0.1.2", null), ("127.0.2.1", null), ("127.0.3.1", null), ("127.0.3.2", null),
        ("127.0.9.1", "203.0.113.7"), ("127.0.9.1", "2001:db8::1"), ("127.0.9.1", "nobody"),
    ];

    private static CallOptions Call => new(deadline: DateTime.UtcNow.AddSeconds(30), cancellationToken: TestContext.Current.CancellationToken);

    [Fact]
    public Task AnyState_ASocket_SeesWhatExplainSaid() =>
        Gen.Select(
            Gen.Select(Gen.Int[0, 9], Gen.Int[0, Clients.Length - 1], Gen.Int[0, Items.Length - 1], Gen.Int[0, 3]).Array[10, 25],
            Gen.Int[2, 20],
            Gen.Bool).SampleAsync(RunAsync, iter: Iterations, threads: 1);

    private static async Task RunAsync((int What, int Who, int Item, int Number)[] operations, int remembered, bool byStatus)
    {
        await using var server = await RelayServer.StartAsync(
            settings =>
            {
                settings.Admission.TrustedProxies = ["127.0.9.0/24"];
                settings.Admission.RejectionMode = byStatus ? RejectionMode.HttpStatus : RejectionMode.CloseFrame;
            },
            configureServices: Ledgers.Remembering(remembered));
        var clients = new List<RawClient>();
        foreach (var (what, who, item, number) in operations)
        {
            switch (what)
            {
                case < 5:
                    await ConnectAsync(server, Clients[who], clients);
                    break;
                case 5 when clients.Count > 0:
                    var live = server.Totals().Live + server.Totals().Uncounted;
                    clients[number % clients.Count].Dispose();
                    clients.RemoveAt(number % clients.Count);
                    await Eventually.TrueAsync(() => server.Totals().Live + server.Totals().Uncounted == live - 1, "the lease is released");
                    break;
                case < 9:
                    var (path, texts) = Items[item];
                    var prefix = what == 8 && path != "overload-level" ? "shadow/" : "";
                    Assert.Empty((await server.Get<AdmissionGate>().ChangeAsync(
                        new PolicyChange(new Dictionary<string, string?> { [prefix + path] = texts[number % texts.Length] }, "test"))).Errors);
                    break;
                case 9:
                    var state = server.Get<AdmissionGate>().State;
                    _ = number < 2 ? state.TryDrain() : state.TryCancelDrain();
                    break;
            }
        }

        clients.ForEach(client => client.Dispose());
    }

    private static async Task ConnectAsync(RelayServer server, (string From, string? Header) client, List<RawClient> clients)
    {
        var request = new ExplainRequest { Address = client.From };
        if (client.Header is { } header)
        {
            request.Headers.Add($"X-Forwarded-For: {header}");
        }

        var said = await new DecisionService.DecisionServiceClient(server.Channel).ExplainAsync(request, Call);
        var before = LastDecision(server);
        Assert.Equal(said.ClientSees, await SeeAsync(server, client.From, request.Headers, clients));
        var decision = LastDecision(server);
        if (decision.Sequence == before.Sequence)
        {
            // One of many of its key, which was not logged.
            return;
        }

        Assert.Equal((said.Key, said.Verdict), (decision.Decision.Key.ToString(), Rejections.Outcome(decision.Decision.Refusal)));
        Assert.Equal(said.ShadowVerdict, decision.Decision.HasShadow ? Rejections.Outcome(decision.Decision.Shadow) : "");
        Assert.Equal(said.Limits.FirstOrDefault(row => row.Name == "total")?.Connections ?? decision.Decision.Live.Total, decision.Decision.Live.Total);
    }

    private static LoggedDecision LastDecision(RelayServer server) => server.Get<DecisionLog>().Last(1, _ => true) is [var last] ? last : default;

    // In explain's words.
    private static async Task<string> SeeAsync(RelayServer server, string from, IEnumerable<string> headers, List<RawClient> clients)
    {
        var client = await RawClient.ConnectAsync(server, from);
        clients.Add(client);
        try
        {
            await client.SendAsync(RawClient.Request(headers: [.. headers]));
        }
        catch (IOException)
        {
            // Reset already.
        }

        var head = await client.ReadHeadAsync();
        if (head.StartsWith("HTTP/1.1 101 ", StringComparison.Ordinal))
        {
            var (opcode, payload) = await client.ReadFrameAsync();
            if (opcode != 8)
            {
                return "the upgrade (101) and the greeting";
            }

            clients.Remove(client);
            client.Dispose();
            return $"the upgrade, then close {BinaryPrimitives.ReadUInt16BigEndian(payload)} \"{Encoding.UTF8.GetString(payload.AsSpan(2))}\"";
        }

        // The body is a line, in a chunk or by its length.
        var body = head.Length == 0 ? "" : await client.ReadHeadAsync();
        clients.Remove(client);
        client.Dispose();
        return head.Length == 0
            ? "nothing: the connection is reset before TLS and HTTP"
            : $"status {head.Split(' ')[1]} \"{body.Split('\n').Select(line => line.Trim()).First(line => line.Length > 2)}\" before the upgrade";
    }
}
