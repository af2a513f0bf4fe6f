using Relay.Benchmarks.Cluster;
using Server.Tests.Support;

namespace Server.Tests.Cluster;

/// <summary>docs/scaling.md has the tables as the model computes them (`make scaling`); `make docs` writes them anew.</summary>
public sealed class ScalingDocumentTests
{
    [Fact]
    public void Tables_All_AreInTheDocumentAsTheModelComputesThem() => GeneratedText.Verify("docs/scaling.md", "tables", ScalingTables.Write());

    // The model is only as good as the limits of the program that it knows.
    [Fact]
    public void Costs_Limits_AreThoseOfTheProgram()
    {
        Assert.Equal(Relay.Admission.RemoteCounts.MaxKeysOfNode, ScalingCosts.MaxKeysOfNode);
        Assert.Equal(Relay.Admission.RemoteCounts.MaxKeys, ScalingCosts.MaxKeys);
        Assert.Equal(ScalingCosts.CountsEvery, Relay.Admission.ClusterCounts.Interval.TotalSeconds);
        Assert.Equal(Relay.Admission.CountsCodec.MaxKeys, ScalingCosts.KeysPerMessage);
    }
}
