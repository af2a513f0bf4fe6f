using CsCheck;
using Relay.Federation.Gossip;

namespace Server.Tests.Federation.Gossip;

/// <summary>Many servers together, in simulated time.</summary>
public sealed class FederationModelTests(ITestOutputHelper output)
{
    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);

    /// <summary>Whatever happened before: once the network is whole again, all see each other, and nobody who is gone.</summary>
    [Fact]
    public void AfterLossPartitionsAndRestarts_AllConverge() =>
        Gen.Select(Gen.Int[2, 7], Gen.Int[0, 1_000_000], Gen.Select(Gen.Int[0, 6], Gen.Int[0, 6], Gen.Int[0, 20]).Array[0, 12]).Sample((servers, seed, steps) =>
        {
            var model = new FederationModel(servers, seed);
            foreach (var (what, which, seconds) in steps)
            {
                var node = which % servers;
                switch (what)
                {
                    case 0 or 1 when model.IsUp(node):
                        model.Kill(node, silently: what == 1);
                        break;
                    case 2 when model.IsUp(node):
                        model.Stop(node);
                        break;
                    case 3 when !model.IsUp(node):
                        model.Start(node);
                        break;
                    case 4:
                        model.GroupOf = other => other <= node ? 0 : 1;
                        break;
                    case 5:
                        model.Loss = 0.3;
                        break;
                    default:
                        (model.Loss, model.GroupOf) = (0, _ => 0);
                        break;
                }

                model.Run(TimeSpan.FromSeconds(seconds));
            }

            (model.Loss, model.GroupOf) = (0, _ => 0);

            // What was lost before is not answered after.
            model.Run(TimeSpan.FromSeconds(5));
            Assert.True(model.RunUntil(model.HasConverged, TimeSpan.FromMinutes(3)), "not converged");
            model.WronglyFailed.Clear();
            model.Run(Minute);
            Assert.True(model.HasConverged());
            Assert.Empty(model.WronglyFailed);
        }, iter: 60);

    [Fact]
    public void OneInTenMessagesLost_NobodyIsLostForLong() => Gen.Int[0, 1_000_000].Sample(seed =>
    {
        var model = new FederationModel(6, seed);
        Assert.True(model.RunUntil(model.HasConverged, Minute));
        model.Loss = 0.1;
        model.Run(Minute);
        model.Loss = 0;
        Assert.True(model.RunUntil(model.HasConverged, Minute));
    }, iter: 20);

    [Theory]
    [InlineData(false, 4)]
    [InlineData(true, 12)]
    public void OneOfSeven_IsGone_NobodySeesItAfterTheStatedTime(bool silently, int seconds) => Gen.Int[0, 1_000_000].Sample(seed =>
    {
        var model = new FederationModel(7, seed);
        Assert.True(model.RunUntil(model.HasConverged, Minute));
        model.Run(TimeSpan.FromSeconds(3));
        model.Kill(3, silently);
        Assert.True(model.RunUntil(() => !model.IsAliveForAnybody(3), TimeSpan.FromSeconds(seconds)), $"seed {seed}");
    }, iter: 50);

    [Fact]
    public void TwoHundred_ConvergeNoticeADeadOneAndSendLittle()
    {
        const int Servers = 200;
        var model = new FederationModel(Servers, seed: 1);

        Assert.True(model.RunUntil(model.HasConverged, Minute), "200 servers that start together do not see each other after a minute");
        output.WriteLine($"converged after {model.Now.TotalSeconds:0.0} s");
        Assert.Empty(model.WronglyFailed);

        model.Run(TimeSpan.FromSeconds(30));
        model.Sent = [];
        model.Run(Minute);
        var writer = new GossipWriter(new PeerSigner().Identity, TimeProvider.System);
        var bytes = model.Sent.Sum(sent => (long)writer.Write(sent).Length);
        var perLink = model.Sent.GroupBy(sent => sent.Link).Select(link => link.Count()).ToArray();
        output.WriteLine(
            $"in a minute: {model.Sent.Count / Servers} messages and {bytes / Servers:#,0} bytes of each server; "
            + $"{(double)model.Sent.Count / model.Links:0.0} messages and {bytes / model.Links:#,0} bytes of each link, at most {perLink.Max()} messages");
        Assert.Equal(Servers * (Servers - 1) / 2, model.Links);
        Assert.InRange(model.Sent.Count / Servers, 110, 140);
        Assert.InRange(bytes / Servers, 1, 600_000);
        Assert.InRange(perLink.Max(), 1, 20);
        model.Sent = null;

        model.Kill(77, silently: true);
        var killedAt = model.Now;
        Assert.True(model.RunUntil(() => !model.IsAliveForAnybody(77), TimeSpan.FromSeconds(30)), "a dead server is alive for somebody after 30 s");
        output.WriteLine($"silently dead, gone everywhere after {(model.Now - killedAt).TotalSeconds:0.0} s");
        Assert.Empty(model.WronglyFailed);
    }
}
