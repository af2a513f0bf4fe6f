using System.Globalization;
using CsCheck;
using Relay.Admission;
using Relay.EndToEnd.Support;
using Relay.Policy;
using Relay.Transport;

namespace Relay.EndToEnd.Transport.Roads;

/// <summary>A client cannot tell the engine from Kestrel: the same bytes get the same answer, the same frames and the same end.</summary>
public sealed class RoadProperties
{
    /// <summary>How many streams are tried in place of <see cref="Streams"/>; `make fuzz` sets it.</summary>
    private const string Variable = "RELAY_TEST_STREAMS";

    private const int Streams = 300;

    private int _codes;

    [Fact]
    public Task Roads_AnyBytes_AnswerAlike() => AnswerAlikeAsync(RejectionMode.CloseFrame);

    [Fact]
    public Task Roads_RefusalsByStatus_AnswerAlike() => AnswerAlikeAsync(RejectionMode.HttpStatus);

    private async Task AnswerAlikeAsync(RejectionMode rejections)
    {
        await using var engine = await StartAsync(TransportKind.Engine, rejections);
        await using var kestrel = await StartAsync(TransportKind.Kestrel, rejections);
        await RoadStream.Any.SampleAsync(stream => CompareAsync(engine, kestrel, stream), iter: Count(), threads: 1);
        await engine.EmptyAsync();
        await kestrel.EmptyAsync();
        foreach (var server in new[] { engine, kestrel })
        {
            var result = await server.Get<LedgerReconciler>().RunAsync(TestContext.Current.CancellationToken);
            Assert.True(result is { Ok: true, Drift: 0, Ledger: 0, Live: 0 }, $"{result}");
        }
    }

    private static int Count() => Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } count ? int.Parse(count, CultureInfo.InvariantCulture) : Streams;

    private async Task CompareAsync(RelayServer engine, RelayServer kestrel, RoadStream stream)
    {
        var code = Code(Interlocked.Increment(ref _codes));
        var answers = await Task.WhenAll(RoadClient.RunAsync(engine.Port, stream, code), RoadClient.RunAsync(kestrel.Port, stream, code));
        Assert.True(
            answers[0].SequenceEqual(answers[1]),
            $"{stream}\nengine:\n  {string.Join("\n  ", answers[0])}\nkestrel:\n  {string.Join("\n  ", answers[1])}");
        Assert.NotEqual("and no end", answers[0][^1]);

        // A channel of this stream's client is not the next one's before it is gone.
        await engine.EmptyAsync();
        await kestrel.EmptyAsync();
    }

    private static async Task<RelayServer> StartAsync(TransportKind transport, RejectionMode rejections)
    {
        var server = await RelayServer.StartAsync(settings =>
        {
            settings.Listen.Transport = transport;
            settings.Listen.MaxHandshakesPerIp = 1000;
            settings.Admission.PerIp = 5000;
            settings.Admission.RejectionMode = rejections;
            settings.Sessions.MaxMessageBytes = RoadStream.MaxMessageBytes;
            settings.Sessions.MessagesPerMinute = 1_000_000;
            settings.Sessions.BytesBurst = 1 << 30;
            settings.Signaling.PairRequestsPerMinute = settings.Signaling.PairRequestsPerMinutePerIp = 1_000_000;
        });
        Assert.Empty((await server.Get<AdmissionGate>().ChangeAsync(
            new PolicyChange(new Dictionary<string, string?> { [$"override/{RoadStream.RefusedAddress}"] = "deny" }, "test"))).Errors);
        return server;
    }

    // Six letters of the alphabet of codes.
    private static string Code(int number) => string.Create(6, number, static (code, value) =>
    {
        for (var i = 0; i < code.Length; i++, value /= 20)
        {
            code[i] = "ABCDEFGHJKLMNPQRSTUV"[value % 20];
        }
    });
}
