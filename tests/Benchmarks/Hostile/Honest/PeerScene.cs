using System.Net;
using System.Text;
using Server.Tests.Federation;

namespace Relay.Benchmarks.Hostile.Honest;

/// <summary>Other servers that connect, authenticate and leave.</summary>
internal sealed class PeerScene(HonestSetting setting) : HonestScene(setting)
{
    private readonly IPAddress _from = setting.NewAddress();

    public override Task StartAsync() => Task.CompletedTask;

    protected override async Task PlayRoundAsync(int round)
    {
        using var server = new PeerSigner((byte)(round % 200));
        await using var peer = await HonestClient.ConnectAsync(Setting.Report, Setting.Port, _from, path: "/federation");
        await peer.SendAsync(Encoding.UTF8.GetString(server.Handshake(DateTimeOffset.UtcNow)));
        await peer.ExpectAsync("handshake_ack");
    }
}
