using Google.Protobuf.WellKnownTypes;
using Relay.AdminApi;
using Relay.AuditLog;

namespace Server.Tests.AuditLog;

public sealed class RequestSummaryTests
{
    [Fact]
    public void Of_ARequest_IsWhatIsGivenWithoutTheReason()
    {
        var request = new ChangeOptions { ExpectedRevision = 0, DryRun = true, Reason = "flood" };

        Assert.Equal("expected_revision=0 dry_run=true", RequestSummary.Of(request));
        Assert.Equal("flood", RequestSummary.ReasonOf(request));
        Assert.Equal("flood", RequestSummary.ReasonOf(new ChangePolicyRequest { Options = request }));
    }

    [Fact]
    public void Of_NothingGiven_IsEmpty()
    {
        Assert.Equal("", RequestSummary.Of(new ListIpsRequest()));
        Assert.Null(RequestSummary.ReasonOf(new ListIpsRequest()));
        Assert.Null(RequestSummary.ReasonOf(new ChangePolicyRequest()));
    }

    [Fact]
    public void Of_EveryKindOfField_IsReadable()
    {
        Assert.Equal("page_size=5 sort=Refused cidr=10.0.0.0/8", RequestSummary.Of(new ListIpsRequest { PageSize = 5, Sort = ListIpsRequest.Types.Sort.Refused, Cidr = "10.0.0.0/8" }));
        Assert.Equal("interval=1.500s", RequestSummary.Of(new WatchStatsRequest { Interval = Duration.FromTimeSpan(TimeSpan.FromSeconds(1.5)) }));
        Assert.Equal("warnings=[short, \"two words\"] before={total=1 per_ip=2}", RequestSummary.Of(new ChangePolicyResponse
        {
            Before = new LimitSettings { Total = 1, PerIp = 2 },
            Warnings = { "short", "two words" },
        }));
        Assert.Equal("ok=true", RequestSummary.Of(new VerifyResponse { Ok = true }));
        Assert.Equal("closed_total={shutdown=1}", RequestSummary.Of(new Connections { ClosedTotal = { ["shutdown"] = 1 } }));
    }

    [Fact]
    public void Of_LongOnes_AreCut()
    {
        var many = new ChangePolicyResponse { Warnings = { Enumerable.Range(0, 12).Select(i => $"w{i}") } };
        Assert.Equal("warnings=[w0, w1, w2, w3, w4, w5, w6, w7, w8, w9 and 2 more]", RequestSummary.Of(many));
        Assert.Equal(1025, RequestSummary.Of(new ListIpsRequest { Cidr = new string('x', 5000) }).Length);
    }
}
