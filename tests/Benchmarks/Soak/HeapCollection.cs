using System.Diagnostics.Tracing;
using Microsoft.Diagnostics.NETCore.Client;

namespace Relay.Benchmarks.Soak;

/// <summary>Garbage collection in another process.</summary>
internal static class HeapCollection
{
    // A keyword of the runtime's own events: who asks for them gets a full collection first.
    private const long CollectHeap = 0x800000;

    /// <summary>Has the process collect its whole heap, so that what is left is in use.</summary>
    public static async Task CollectAsync(int processId)
    {
        using var session = await new DiagnosticsClient(processId).StartEventPipeSessionAsync(
            new EventPipeProvider("Microsoft-Windows-DotNETRuntime", EventLevel.Informational, CollectHeap), requestRundown: false, circularBufferMB: 1, CancellationToken.None);
        var drained = session.EventStream.CopyToAsync(Stream.Null);
        await session.StopAsync(CancellationToken.None);
        await drained;
    }
}
