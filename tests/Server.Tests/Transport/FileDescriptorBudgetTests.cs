using Microsoft.Extensions.Time.Testing;
using Relay.Addresses;
using Relay.Admission;
using Relay.Policy;
using Relay.Transport;
using Server.Tests.Support;

namespace Server.Tests.Listening;

public sealed class FileDescriptorBudgetTests
{
    private readonly FakeTimeProvider _time = new();
    private readonly ListLogger<FileDescriptorBudget> _log = new();

    [Theory]
    [InlineData(1024, 230, 192, 602)]
    [InlineData(1024, 230, 0, 794)]
    [InlineData(423, 230, 192, 1)]
    [InlineData(long.MaxValue, 230, 192, int.MaxValue)]
    // The system does not tell.
    [InlineData(0, 0, 192, int.MaxValue)]
    public void Measure_ALimit_LeavesTheRestToThePublic(long limit, long open, int reserved, int most)
    {
        var files = Create(reserved);
        files.Measure(limit, open);

        Assert.Equal(most, files.Max);
    }

    [Fact]
    public void Measure_NothingIsLeft_StopsTheStartWithTheFigures()
    {
        var error = Assert.Throws<InvalidDataException>(() => Create(192).Measure(422, 230));

        Assert.Contains("422", error.Message, StringComparison.Ordinal);
        Assert.Contains("ulimit -n", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(10_422, 0)]
    [InlineData(10_421, 1)]
    public void Measure_FewerThanTheTotalLimit_IsAWarning(long limit, int warnings)
    {
        Create(192).Measure(limit, 230);

        Assert.Equal(warnings, _log.Texts.Count);
    }

    [Fact]
    public void TurnAway_Often_WarnsOnceAMinute()
    {
        var files = Create(192);
        for (var i = 0; i < 1000; i++)
        {
            files.Reject();
        }

        Assert.Single(_log.Texts);
        _time.Advance(TimeSpan.FromMinutes(1));
        files.Reject();
        files.Reject();
        Assert.Equal(2, _log.Texts.Count);
        Assert.Contains("1001 so far", _log.Texts[1], StringComparison.Ordinal);
        Assert.Equal(1002, files.Rejected);
    }

    [Fact]
    public void Measure_FewFiles_LetsAdmissionSayNoBeforeTheListenerHasTo()
    {
        var options = new AdmissionOptions { ConnectRatePerIp = "off", ConnectRateTotal = "off", PerIp = 1000 };
        using var policies = new LimitPolicyStore(options, _time);
        var ledger = new ConnectionLedger(policies, options, new OverloadOptions(), _time);
        var files = new FileDescriptorBudget(new PublicListenerOptions { ReservedFiles = 20 }, options, ledger, _time, _log);
        files.Measure(limit: 200, open: 80);

        var refusals = Enumerable.Range(0, files.Max).Select(_ => ledger.TryAcquire(new IpKey(0, 1, 32), _time.GetTimestamp(), out var _).Refusal).ToList();

        Assert.Equal((100, 95), (files.Max, refusals.Count(refusal => refusal == Refusal.None)));
        Assert.Equal(Refusal.Ceiling, refusals[^1]);
    }

    private FileDescriptorBudget Create(int reserved)
    {
        var options = new AdmissionOptions();
        return new FileDescriptorBudget(
            new PublicListenerOptions { ReservedFiles = reserved }, options, new ConnectionLedger(new LimitPolicyStore(options, _time), options, new OverloadOptions(), _time), _time, _log);
    }
}
