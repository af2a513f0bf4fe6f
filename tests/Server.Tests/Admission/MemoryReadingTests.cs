using Relay.Admission;

namespace Server.Tests.Admission;

public sealed class MemoryReadingTests
{
    [Fact]
    public void OfMachine_TextOfTheKernel_IsRead() => Assert.Equal(
        (8_000_000 * 1024L, 3_000_000 * 1024L),
        MemoryReading.OfMachine("MemTotal:        8000000 kB\nMemFree:          100000 kB\nMemAvailable:    3000000 kB\nBuffers: 1 kB\n"));

    [Theory]
    [InlineData("")]
    [InlineData("MemTotal: much\nMemAvailable:\n")]
    public void OfMachine_AnythingElse_IsNotKnown(string text) => Assert.Equal((0L, 0L), MemoryReading.OfMachine(text));

    [Theory]
    [InlineData("1000", "400", "inactive_anon 77\ninactive_file 50\n", 1000L, 650L)]
    [InlineData("1000", "400", "", 1000L, 600L)]
    [InlineData("1000", "1200", "inactive_file 50", 1000L, 0L)]
    [InlineData("1000", "400", "inactive_file 5\ntotal_inactive_anon 9\ntotal_inactive_file 50\n", 1000L, 650L)]
    public void OfGroup_WithALimit_CountsWhatCanBeTakenBack(string max, string current, string stat, long limit, long available) =>
        Assert.Equal((limit, available), MemoryReading.OfGroup(max, current, stat));

    [Theory]
    [InlineData("max", "400")]
    [InlineData("9223372036854771712", "400")]
    [InlineData("", "")]
    [InlineData("1000", "")]
    public void OfGroup_WithoutALimit_IsNone(string max, string current) => Assert.Null(MemoryReading.OfGroup(max, current, ""));

    [Theory]
    [InlineData("0::/system.slice/relayd.service\n", "/g/system.slice/relayd.service/memory.max /g/system.slice/memory.max /g/memory.max")]
    [InlineData("0::/\n", "/g/memory.max")]
    [InlineData("4:memory:/docker/4f\n3:cpu:/docker/4f\n", "/g/memory/docker/4f/memory.limit_in_bytes /g/memory/docker/memory.limit_in_bytes /g/memory/memory.limit_in_bytes")]
    [InlineData("2:cpu,memory:/\n0::/\n", "/g/memory/memory.limit_in_bytes /g/memory.max")]
    [InlineData("1:name=systemd:/old\n3:memory_other:/x\nnonsense\n", "")]
    [InlineData("", "")]
    public void GroupsOf_APath_NamesAllAboveIt(string text, string limits) =>
        Assert.Equal(limits, string.Join(' ', MemoryReading.GroupsOf("/g", text).Select(group => $"{group.Folder}/{group.Max}")));

    [Fact]
    public void Now_OnThisMachine_AddsUp()
    {
        var reading = MemoryReading.Now();

        Assert.InRange(reading.Available, 1, reading.Limit);
        Assert.InRange(reading.InUse, 1, reading.Limit);
        Assert.InRange(reading.Spare, 0, reading.Limit);
    }
}
