using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.Extensions.Time.Testing;
using Relay.Clients;
using Relay.EndToEnd.Support;
using Relay.Federation;
using Relay.Federation.Gossip;
using Relay.Identity;

namespace Relay.EndToEnd.Protocol;

/// <summary>docs/protocol.md is what a client is written from: its examples are played to the server, word for word.</summary>
public sealed partial class ExampleTests
{
    // Stands in the document for a time in milliseconds.
    private const string SomeTime = "1764000000000";

    [Fact]
    public async Task Examples_PlayedInTheirOrder_GoAsTheyAreWritten()
    {
        await using var authority = await Authority.StartAsync();
        authority.OnChallenge = Authority.Say(200, """{"nonce":"9f2c41d0","regions":[{"index":0,"offset":4096,"length":1024}]}""");
        await using var server = await authority.StartRelayAsync(settings =>
        {
            settings.Attestation.GracePeriod = TimeSpan.FromMinutes(30);
            (settings.Identity.PublicEndpoint, settings.Identity.Region) = ("wss://relay.example", "eu");
        });
        var sockets = new Dictionary<string, TestClient>();
        var played = new List<string>();
        foreach (var (section, lines) in Examples())
        {
            // Who has a letter goes on from one example to the next, who has none is somebody new.
            var greeted = !lines[0].Message.Contains("server_info", StringComparison.Ordinal);
            foreach (var who in lines.Select(line => line.Who).Distinct().Where(who => who.Length == 0 || !sockets.ContainsKey(who)))
            {
                sockets[who] = await ConnectAsync(server, who, greeted);
            }

            foreach (var (who, isSent, message) in lines)
            {
                await (isSent ? sockets[who].SendAsync(Filled(message, who)) : ExpectAsync(sockets[who], section, message));
            }

            // That was all: nobody has got anything that the example does not show.
            foreach (var socket in sockets.Values)
            {
                await socket.ExpectNothingAsync();
            }

            if (sockets.Remove("", out var somebody))
            {
                await somebody.DisposeAsync();
            }

            played.Add(section);
        }

        Assert.Equal(
            [
                "Connecting", "ping", "register", "Pairing", "Offers, answers, candidates", "Calls", "Linking a browser", "Relays",
                "Channels", "Streams", "Chunks", "Attestation", "Rendezvous",
            ],
            played);
        foreach (var socket in sockets.Values)
        {
            await socket.DisposeAsync();
        }
    }

    [Fact]
    public async Task PeerHandshake_AtTheTimeOfItsExample_GoesAsItIsWritten()
    {
        var (section, lines) = Examples(betweenServers: true).First();
        Assert.Equal([true, false], lines.Select(line => line.IsSent));
        var handshake = lines[0].Message;
        using var example = JsonDocument.Parse(handshake);
        await using var server = await RelayServer.StartAsync(
            settings =>
            {
                settings.Federation.Servers = [example.RootElement.GetProperty("serverId").GetString()!];
                (settings.Identity.PublicEndpoint, settings.Identity.Region) = ("wss://relay.example", "eu");
            },
            new FakeTimeProvider(DateTimeOffset.FromUnixTimeMilliseconds(example.RootElement.GetProperty("timestamp").GetInt64())));
        await using var peer = await TestClient.ConnectAsync(server, "/federation", greeted: false);
        await peer.SendAsync(handshake);
        var answer = await ExpectAsync(peer, section, lines[1].Message);

        // The signed text stands in the document, and the answer is signed in the same way.
        Assert.Contains($"`{Signed(handshake)}`", File.ReadAllText(Document()), StringComparison.Ordinal);
        using var ack = JsonDocument.Parse(answer);
        Assert.True(Ed25519.Verify(
            ack.RootElement.GetProperty("publicKey").GetBytesFromBase64(),
            Encoding.UTF8.GetBytes(Signed(answer)),
            ack.RootElement.GetProperty("signature").GetBytesFromBase64()));
    }

    [Fact]
    public async Task Redirects_ToAnotherOwner_AreAsTheyAreWritten()
    {
        var examples = Examples(betweenServers: true)
            .SelectMany(example => example.Lines, (example, line) => (example.Section, line.Message))
            .Where(line => line.Message.Contains("\"redirects\"", StringComparison.Ordinal)).ToList();
        Assert.Equal(2, examples.Count);
        await using var server = await RelayServer.StartAsync(settings =>
        {
            settings.Federation.Admit = FederationAdmit.Any;
            settings.Federation.ReplicationFactor = 1;
        });
        var ring = server.Get<FederationRing>();
        ring.Set([.. new byte[] { 1, 2 }.Select(fill => Enumerable.Repeat(fill, ServerId.KeyBytes).ToArray()).Select(
            key => new LocalServer(ServerId.Format(key), ServerId.NodeId(key), Convert.ToBase64String(key), "wss://b.example", ""))]);
        await using var client = await TestClient.ConnectAsync(server);

        await client.RegisterCodeAsync("ABC234", TestClient.Key("client"));
        await ExpectAsync(client, examples[0].Section, examples[0].Message);

        var owner = ring.OwnersOf("day_0")[0];
        var token = Enumerable.Range(0, 1000).Select(i => $"hr_{i}").First(text => ring.OwnersOf(text)[0] == owner);
        await client.SendAsync($$"""{"type":"register_rendezvous","peerId":"ABC234","relayId":"","dailyPoints":["day_0"],"hourlyTokens":["{{token}}"]}""");
        await ExpectAsync(client, examples[1].Section, examples[1].Message);
    }

    /// <summary>The examples between clients and this server, or those between servers, by section.</summary>
    private static IEnumerable<(string Section, List<(string Who, bool IsSent, string Message)> Lines)> Examples(bool betweenServers = false)
    {
        foreach (var section in File.ReadAllText(Document()).Split("\n## ").Skip(1)
            .Where(section => section.StartsWith("Peer servers\n", StringComparison.Ordinal) == betweenServers))
        {
            foreach (var example in Fences().Matches(section).Select(match => match.Groups[1].Value))
            {
                // A long message goes on in the next line, behind blanks.
                var lines = example.Replace("\n ", " ", StringComparison.Ordinal).Split('\n', StringSplitOptions.RemoveEmptyEntries);
                yield return (section.Split('\n')[0], [.. lines.Select(line => Line().Match(line)).Select(
                    match => (match.Groups[1].Value.Trim(), match.Groups[2].Value == "→", Blanks().Replace(match.Groups[3].Value, "")))]);
            }
        }
    }

    /// <summary>A letter is registered with the code of six of it, if that is one.</summary>
    private static Task<TestClient> ConnectAsync(RelayServer server, string who, bool greeted)
    {
        var code = string.Concat(Enumerable.Repeat(who, 6));
        return PairingCode.IsValid(code) ? TestClient.RegisterAsync(server, code) : TestClient.ConnectAsync(server, greeted: greeted);
    }

    // A text that the document leaves out can be any; a key fits everywhere.
    private static string Filled(string message, string who) =>
        message.Replace("\"…\"", $"\"{TestClient.Key(who)}\"", StringComparison.Ordinal);

    // Type comes first and signature last, as the document shows them.
    private static string Signed(string message) => Unsigned().Replace(message, "");

    private static async Task<string> ExpectAsync(TestClient socket, string section, string message)
    {
        var pattern = Regex.Escape(message).Replace("…", "[^\"]*", StringComparison.Ordinal).Replace(SomeTime, "\\d{13}", StringComparison.Ordinal);
        var text = await socket.ReceiveTextAsync();
        Assert.True(Regex.IsMatch(text, $"^{pattern}$"), $"{section}: expected {message}, got {text}");
        return text;
    }

    private static string Document([CallerFilePath] string here = "") => Path.Combine(Path.GetDirectoryName(here)!, "../../../docs/protocol.md");

    [GeneratedRegex("```\n(.*?)```", RegexOptions.Singleline)]
    private static partial Regex Fences();

    [GeneratedRegex("^([A-Z] )?([→←]) (.*)$")]
    private static partial Regex Line();

    [GeneratedRegex("(?<=^{)\"type\":\"[a-z_]+\",|,\"signature\":\"[^\"]+\"(?=}$)")]
    private static partial Regex Unsigned();

    // Between a comma and the next field, where a message goes on in the next line.
    [GeneratedRegex("(?<=,) +(?=\")")]
    private static partial Regex Blanks();
}
