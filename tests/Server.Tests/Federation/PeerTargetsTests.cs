using Microsoft.Extensions.Time.Testing;
using Relay.Federation;
using Relay.Federation.Gossip;

namespace Server.Tests.Federation;

public sealed class PeerTargetsTests : IDisposable
{
    private const string Id = "ed25519:A6EHv_POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg";

    private readonly FakeTimeProvider _time = new();
    private readonly string _folder = Directory.CreateTempSubdirectory("relay-test-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData(1, "Failed", "Known", 1)]
    [InlineData(2, "Failed", "Known", 2)]
    [InlineData(5, "Failed", "Configured", 16)]
    [InlineData(6, "Failed", "Known", 30)]
    [InlineData(1000, "Failed", "Configured", 30)]
    [InlineData(1000, "Refused", "Configured", 300)]
    [InlineData(1000, "Failed", "Discovered", 300)]
    [InlineData(1, "Linked", "Discovered", 1)]
    public void WaitAfter_Failures_DoublesUpToABound(int failures, string end, string origin, double seconds) =>
        Assert.Equal(seconds, PeerTargets.WaitAfter(failures, Enum.Parse<DialEnd>(end), Enum.Parse<PeerOrigin>(origin)).TotalSeconds);

    [Fact]
    public void TakeDue_AfterAFailure_WaitsAndThenComesAgain()
    {
        var targets = New(new FederationOptions { Connect = [$"{Id}@wss://a.example"] });
        var (target, id, endpoint) = Assert.Single(targets.TakeDue(8, _ => true));
        Assert.Equal((Id, "wss://a.example"), (id, endpoint));
        Assert.Empty(targets.TakeDue(8, _ => true));

        targets.End(target, DialEnd.Failed, "no answer");

        Assert.Equal(("no answer", 1), (targets.Rows()[0].LastWords, targets.Rows()[0].Failures));
        _time.Advance(PeerTargets.FirstWait - TimeSpan.FromMilliseconds(1));
        Assert.Empty(targets.TakeDue(8, _ => true));
        _time.Advance(PeerTargets.Jitter + TimeSpan.FromMilliseconds(1));
        Assert.Single(targets.TakeDue(8, _ => true));
    }

    [Fact]
    public void TakeDue_TwoPlacesOfOneServer_AreTriedOneAfterAnother()
    {
        var targets = New(new FederationOptions());
        targets.SetDiscovered([new DialTarget(Id, "wss://a.example"), new DialTarget(Id, "wss://b.example")]);
        _time.Advance(PeerTargets.Jitter);

        Assert.Single(targets.TakeDue(8, _ => true));
        Assert.Empty(targets.TakeDue(8, _ => true));
    }

    [Fact]
    public void SetDiscovered_NamedNoMore_IsForgotten()
    {
        var targets = New(new FederationOptions { Connect = ["wss://c.example"] });
        targets.SetDiscovered([new DialTarget(Id, "wss://a.example")]);
        Assert.Equal(2, targets.Rows().Count);

        targets.SetDiscovered([]);

        Assert.Equal("wss://c.example", Assert.Single(targets.Rows()).Endpoint);
    }

    [Fact]
    public void SetDiscovered_ManyAndOurselves_AreBounded()
    {
        var targets = New(new FederationOptions());
        targets.SetDiscovered([new DialTarget("own", "wss://own.example"), .. Enumerable.Range(0, 2000).Select(i => new DialTarget($"{i}", "wss://a.example"))]);

        Assert.Equal(PeerTargets.MaxTargets, targets.Rows().Count);
        Assert.DoesNotContain(targets.Rows(), row => row.ServerId == "own");
    }

    [Fact]
    public void Linked_AllowedEndpoint_IsRememberedAndDialledAfterARestart()
    {
        var options = new FederationOptions { Admit = FederationAdmit.Any };
        var targets = New(options);
        targets.Linked(Id, "wss://a.example", "eu");
        targets.Linked("ed25519:local", "wss://10.0.0.1", "");
        new PeerBook(options, _time).Save();

        Assert.Equal(Id, Assert.Single(targets.Rows()).ServerId);
    }

    private PeerTargets New(FederationOptions options)
    {
        options.PeersFile = Path.Combine(_folder, "peers.json");
        return new PeerTargets("own", options, new PeerBook(options, _time), new EndpointRule(allowPrivate: false), _time, new Random(1));
    }
}
