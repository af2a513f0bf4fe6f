using Relay.Configuration;
using Relay.EndToEnd.Support;

namespace Relay.EndToEnd.Admission;

/// <summary>Breaches of the protocol count towards an automatic ban.</summary>
public sealed class ViolationTests
{
    private const string Culprit = "127.0.0.2";

    public static TheoryData<string, byte[]> Breaches => new()
    {
        { "a reserved opcode", [0x83, 0x80, 0, 0, 0, 0] },
        { "text that is not UTF-8", [0x81, 0x81, 0, 0, 0, 0, 0xFF] },
        { "too big", [0x81, 0xFE, 0x20, 0x00, 0, 0, 0, 0, .. new byte[0x2000]] },
    };

    [Theory]
    [MemberData(nameof(Breaches))]
    public async Task Session_BreaksTheProtocol_IsBannedInTheEnd(string what, byte[] bytes)
    {
        Assert.NotEmpty(what);
        await using var server = await RelayServer.StartAsync(Strict);
        for (var i = 0; i < 3; i++)
        {
            using var client = await RawClient.UpgradeAsync(server, Culprit);
            await client.SendAsync(bytes);
            await client.ReadToEndAsync();
        }

        await IsBannedAsync(server);
    }

    [Fact]
    public async Task Session_WouldNotBeSlowedDown_IsBannedInTheEnd()
    {
        await using var server = await RelayServer.StartAsync(settings =>
        {
            Strict(settings);
            settings.Sessions.MessagesPerMinute = settings.Sessions.RefusedMessagesPerMinute = 1;
        });
        byte[] ping = [0x81, 0x8F, 0, 0, 0, 0, .. """{"type":"ping"}"""u8];
        for (var i = 0; i < 3; i++)
        {
            using var client = await RawClient.UpgradeAsync(server, Culprit);
            await client.SendUntilCutAsync(ping);
        }

        await IsBannedAsync(server);
    }

    [Theory]
    [InlineData("7", "X: y")]
    [InlineData("13", "Sec-WebSocket-Protocol: a/b")]
    [InlineData("13", "Sec-WebSocket-Protocol: \u007F")]
    public async Task Handshake_IsBroken_IsBannedInTheEnd(string version, string header)
    {
        await using var server = await RelayServer.StartAsync(Strict);
        for (var i = 0; i < 3; i++)
        {
            using var client = await RawClient.ConnectAsync(server, Culprit);
            await client.SendAsync(RawClient.Request(version: version, headers: [header]));
            Assert.StartsWith("HTTP/1.1 400 ", await client.ReadHeadAsync(), StringComparison.Ordinal);
        }

        await IsBannedAsync(server);
    }

    [Fact]
    public async Task Session_ClosesAsItShould_IsNeverBanned()
    {
        await using var server = await RelayServer.StartAsync(Strict);
        for (var i = 0; i < 10; i++)
        {
            using var client = await RawClient.UpgradeAsync(server, Culprit);
            await client.SendAsync(RawClient.CloseFrame);
            await client.ReadToEndAsync();
        }

        using var last = await RawClient.UpgradeAsync(server, Culprit);
        Assert.Equal(1, (await last.ReadFrameAsync()).Opcode);
    }

    private static void Strict(RelaySettings settings)
    {
        settings.AutoBan.Threshold = 3;
        settings.AutoBan.PrivateNetworks = true;
        settings.Sessions.MaxMessageBytes = 4096;
    }

    private static async Task IsBannedAsync(RelayServer server)
    {
        await Eventually.TrueAsync(() => server.Get<Relay.Admission.AutoBans>().Made == 1, "the third breach is counted");
        using var banned = await RawClient.UpgradeAsync(server, Culprit);
        Assert.Equal((1008, "Banned"), await banned.ReadCloseAsync());
        using var other = await RawClient.UpgradeAsync(server, "127.0.0.3");
        Assert.Equal(1, (await other.ReadFrameAsync()).Opcode);
    }
}
