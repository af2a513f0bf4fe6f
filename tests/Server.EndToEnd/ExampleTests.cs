using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using Relay.EndToEnd.Support;
using Relay.Signaling;

namespace Relay.EndToEnd;

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

    /// <summary>The examples between clients and this server, by section.</summary>
    private static IEnumerable<(string Section, List<(string Who, bool IsSent, string Message)> Lines)> Examples()
    {
        var document = File.ReadAllText(Document()).Split("\n## Peer servers")[0];
        foreach (var section in document.Split("\n## ").Skip(1))
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

    private static async Task ExpectAsync(TestClient socket, string section, string message)
    {
        var pattern = Regex.Escape(message).Replace("…", "[^\"]*", StringComparison.Ordinal).Replace(SomeTime, "\\d{13}", StringComparison.Ordinal);
        var text = await socket.ReceiveTextAsync();
        Assert.True(Regex.IsMatch(text, $"^{pattern}$"), $"{section}: expected {message}, got {text}");
    }

    private static string Document([CallerFilePath] string here = "") => Path.Combine(Path.GetDirectoryName(here)!, "../../docs/protocol.md");

    [GeneratedRegex("```\n(.*?)```", RegexOptions.Singleline)]
    private static partial Regex Fences();

    [GeneratedRegex("^([A-Z] )?([→←]) (.*)$")]
    private static partial Regex Line();

    // Between a comma and the next field, where a message goes on in the next line.
    [GeneratedRegex("(?<=,) +(?=\")")]
    private static partial Regex Blanks();
}
