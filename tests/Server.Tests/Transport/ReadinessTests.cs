using Relay.Transport;

namespace Server.Tests.Listening;

public sealed class ReadinessTests
{
    [Fact]
    public void Become_Backwards_StaysWhereItIs()
    {
        var readiness = new Readiness();
        Assert.Equal("starting", readiness.Name);
        readiness.Become(ReadyState.Ready);
        Assert.Equal("ready", readiness.Name);
        readiness.Become(ReadyState.Draining);
        readiness.Become(ReadyState.Ready);
        Assert.Equal("draining", readiness.Name);
    }
}
