using System.Runtime.InteropServices;
using Relay.Native;

namespace Server.Tests.Native;

public sealed class EpollEventLayoutTests
{
    [Theory]
    [InlineData(Architecture.X64, 12, 4)]
    [InlineData(Architecture.Arm64, 16, 8)]
    public void Of_AnArchitecture_IsPackedOnX64Only(Architecture architecture, int size, int dataOffset) =>
        Assert.Equal(new EpollEventLayout(size, dataOffset), EpollEventLayout.Of(architecture));

    /// <summary>What was registered comes back whole, for several descriptors at once: a wrong layout would mix them up.</summary>
    [Fact]
    public void Wait_SeveralEvents_BringTheirOwnData()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "SKIPPED: epoll is Linux' own.");
        using var epoll = new Epoll(8);
        var descriptors = Enumerable.Range(0, 3).Select(_ => Descriptors.CreateEvent()).ToArray();
        try
        {
            for (var i = 0; i < descriptors.Length; i++)
            {
                Assert.True(epoll.TryAdd(descriptors[i], EpollEvents.Readable, Data(i)));
                Descriptors.Signal(descriptors[i]);
            }

            var count = epoll.Wait(1000);
            Assert.Equal(
                Enumerable.Range(0, 3).Select(i => (Data(i), EpollEvents.Readable)),
                Enumerable.Range(0, count).Select(i => (epoll.DataAt(i), epoll.EventsAt(i))).Order());

            Array.ForEach(descriptors, Descriptors.Clear);
            Assert.Equal(0, epoll.Wait(0));
        }
        finally
        {
            Array.ForEach(descriptors, Descriptors.Close);
        }

        static ulong Data(int i) => 0xFEDC_BA98_0000_0000UL | (uint)i;
    }
}
