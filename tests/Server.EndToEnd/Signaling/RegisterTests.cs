using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Time.Testing;
using Relay.Clients;
using Relay.EndToEnd.Support;
using Relay.Identity;

namespace Relay.EndToEnd.Signaling;

/// <summary>The greeting and register by pairing code.</summary>
[Trait("Clients", "Spread")]
public sealed class RegisterTests
{
    private static readonly string Good = TestClient.Key("A");

    public static TheoryData<string, string, string> Errors => new()
    {
        // The code comes first, whatever the key is.
        { "", "", "Missing required field: pairingCode" },
        { "ABCDE", "", "Invalid pairing code format" },
        { "ABCDEFG", "", "Invalid pairing code format" },
        { "abcdef", "", "Invalid pairing code format" },
        { "ABCDE0", "", "Invalid pairing code format" },
        { "ABCDE1", "", "Invalid pairing code format" },
        { "ABCDEI", "", "Invalid pairing code format" },
        { "ABCDEO", "", "Invalid pairing code format" },
        { " ABCDE", "", "Invalid pairing code format" },
        { "ABCDÉF", "", "Invalid pairing code format" },
        { "ABCDEF", "", "Missing required field: publicKey" },
        { "ABCDEF", "=", "Invalid public key format" },
        { "ABCDEF", "no key!", "Invalid public key format" },
        { "ABCDEF", "AA-_", "Invalid public key format" },
        { "ABCDEF", "A=AA", "Invalid public key format" },
        { "ABCDEF", "AAAA", "Invalid public key length" },
        { "ABCDEF", Convert.ToBase64String(new byte[31]), "Invalid public key length" },
        { "ABCDEF", Convert.ToBase64String(new byte[33]), "Invalid public key length" },
    };

    [Theory]
    [MemberData(nameof(Errors))]
    public async Task Register_Mistaken_IsTold(string code, string key, string error)
    {
        await using var server = await RelayServer.StartAsync();
        await using var client = await TestClient.ConnectAsync(server);

        await RegisterAsync(client, code, key);

        await client.ExpectErrorAsync(error);
        Assert.Equal(0, server.Sum<ClientDirectory>(clients => clients.Counts().Codes));
    }

    [Fact]
    public async Task Register_Good_IsAnsweredWithCodeAndServer()
    {
        await using var server = await RelayServer.StartAsync();
        await using var client = await TestClient.ConnectAsync(server);

        // Missing padding is forgiven.
        await RegisterAsync(client, "XYZ234", Good.TrimEnd('='));

        Assert.Equal(
            $$"""{"type":"registered","pairingCode":"XYZ234","serverId":"{{server.Get<ServerIdentity>().ServerId}}"}""",
            await client.ReceiveTextAsync());
    }

    [Fact]
    public async Task Register_SameCodeAgain_TakesTheNewKey()
    {
        await using var server = await RelayServer.StartAsync();
        await using var client = await TestClient.RegisterAsync(server, "AAAAAA");
        await using var other = await TestClient.RegisterAsync(server, "BBBBBB");

        await RegisterAsync(client, "AAAAAA", TestClient.Key("new"));
        await client.ExpectAsync("registered");
        await client.SendAsync("""{"type":"pair_request","targetCode":"BBBBBB"}""");

        var incoming = await other.ExpectAsync("pair_incoming");
        Assert.Equal(TestClient.Key("new"), incoming.GetProperty("fromPublicKey").GetString());
        Assert.Equal((2, 2, 3L, 0L), Counts(server));
    }

    [Fact]
    public async Task Register_AnotherCode_IsRefusedAndTheFirstStays()
    {
        await using var server = await RelayServer.StartAsync();
        await using var client = await TestClient.RegisterAsync(server, "AAAAAA");
        await using var holder = await TestClient.RegisterAsync(server, "BBBBBB");

        // The own-socket rule comes before the collision.
        foreach (var code in new[] { "CCCCCC", "BBBBBB" })
        {
            await RegisterAsync(client, code, Good);
            await client.ExpectErrorAsync("Cannot re-register with a different pairing code");
        }

        Assert.Equal((2, 2, 2L, 0L), Counts(server));
    }

    [Fact]
    public async Task Register_CodeOfAnother_CollidesUntilTheHolderIsGone()
    {
        await using var server = await RelayServer.StartAsync();
        await using var holder = await TestClient.RegisterAsync(server, "AAAAAA");
        await using var client = await TestClient.ConnectAsync(server);

        await RegisterAsync(client, "AAAAAA", Good);
        Assert.Equal(
            """{"type":"code_collision","message":"Pairing code already in use. Please reconnect with a new code."}""",
            await client.ReceiveTextAsync());
        var counts = Counts(server);
        Assert.Equal((1, 1L, 1L), (counts.Active, counts.Registrations, counts.Collisions));

        await holder.CloseAsync();
        await Eventually.TrueAsync(() => server.Sum<ClientDirectory>(clients => clients.Counts().Codes) == 0, "the holder is gone");

        // It is held for the holder's key.
        await RegisterAsync(client, "AAAAAA", TestClient.Key("AAAAAA"));
        await client.ExpectAsync("registered");
    }

    /// <summary>The key is the one that names the server to peers too, and the proof is bound to it.</summary>
    [Theory]
    [InlineData("", null)]
    [InlineData("eu-1", "eu-1")]
    public async Task Connect_Greets_WithInfoThenProofOfTheKey(string region, string? shown)
    {
        var time = new FakeTimeProvider();
        await using var server = await RelayServer.StartAsync(settings => settings.Identity.Region = region, time);
        await using var client = await TestClient.ConnectAsync(server, "/any/path?x=1", greeted: false);
        var serverId = server.Get<ServerIdentity>().ServerId;

        var info = await client.ExpectAsync("server_info");
        Assert.Equal(["type", "serverId", "endpoint", "region"], info.EnumerateObject().Select(field => field.Name));
        Assert.Equal(serverId, Text(info, "serverId"));
        Assert.Equal(server.Settings.Listen.LocalEndpoint, Text(info, "endpoint"));
        Assert.Equal(shown, Text(info, "region"));

        var proof = await client.ExpectAsync("server_identity");
        var key = Convert.FromBase64String(Text(proof, "public_key")!);
        var nonce = Convert.FromBase64String(Text(proof, "nonce")!);
        var bound = $"relay-identity-v1\n{serverId}\n{proof.GetProperty("timestamp").GetInt64()}\n{Text(proof, "nonce")}";
        Assert.Equal(serverId, ServerId.Format(key));
        Assert.Equal(32, nonce.Length);
        Assert.True(ServerIdentity.Verify(key, nonce, Convert.FromBase64String(Text(proof, "signature")!)));
        Assert.True(ServerIdentity.Verify(key, Encoding.UTF8.GetBytes(bound), Convert.FromBase64String(Text(proof, "binding")!)));

        // Shared by those who connect within a second.
        time.Advance(TimeSpan.FromSeconds(1));
        await using var second = await TestClient.ConnectAsync(server, greeted: false);
        await second.ExpectAsync("server_info");
        Assert.NotEqual(Text(proof, "nonce"), Text(await second.ExpectAsync("server_identity"), "nonce"));
    }

    private static Task RegisterAsync(TestClient client, string code, string key) =>
        client.SendAsync($$"""{"type":"register","pairingCode":"{{code}}","publicKey":"{{key}}"}""");

    private static string? Text(JsonElement message, string field) => message.GetProperty(field).GetString();

    private static (long Active, long Peak, long Registrations, long Collisions) Counts(RelayServer server) => (
        server.Sum<ClientDirectory>(clients => clients.Counts().Codes),
        server.Sum<ClientDirectory>(clients => clients.Counts().PeakCodes),
        server.Sum<ClientDirectory>(clients => clients.Counts().CodeRegistrations),
        server.Sum<ClientDirectory>(clients => clients.Counts().Collisions));
}
