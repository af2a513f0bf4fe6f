using Google.Protobuf.WellKnownTypes;
using Relay.Transport;

namespace Relay.Admin;

/// <summary>What the process itself uses.</summary>
internal static class ProcessFigures
{
    public static AdminApi.Process Read()
    {
        using var process = System.Diagnostics.Process.GetCurrentProcess();
        return new AdminApi.Process
        {
            ResidentBytes = process.WorkingSet64,
            HeapBytes = GC.GetTotalMemory(forceFullCollection: false),
            CpuTime = Duration.FromTimeSpan(process.TotalProcessorTime),
            OpenFiles = OpenFiles.Count(),
            OpenFilesLimit = OpenFiles.Limit,
            Threads = process.Threads.Count,
            CollectionsGen2 = GC.CollectionCount(2),
            CollectionsGen0 = GC.CollectionCount(0),
            CollectionsGen1 = GC.CollectionCount(1),
        };
    }
}
