using System.Runtime.InteropServices;

namespace Relay.Native;

/// <summary>Where the fields of <c>struct epoll_event</c> lie: it is packed on x86-64 and on nothing else.</summary>
/// <param name="Size">Bytes of one event.</param>
/// <param name="DataOffset">Where the 64 bits of data begin; the 32 bits of events lie at the start.</param>
internal readonly record struct EpollEventLayout(int Size, int DataOffset)
{
    public static readonly EpollEventLayout Current = Of(RuntimeInformation.ProcessArchitecture);

    public static EpollEventLayout Of(Architecture architecture) =>
        architecture == Architecture.X64 ? new EpollEventLayout(12, 4) : new EpollEventLayout(16, 8);
}
