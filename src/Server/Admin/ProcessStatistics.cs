using System.Diagnostics.Metrics;
using Google.Protobuf.WellKnownTypes;
using Relay.AdminApi;
using Relay.Configuration;
using Relay.Telemetry;
using Relay.Transport;
using OwnProcess = System.Diagnostics.Process;

namespace Relay.Admin;

/// <summary>What the process itself uses, under the names that Prometheus has for it.</summary>
internal sealed class ProcessStatistics(GcPauses pauses) : IStatistics
{
    public void AddInstruments(Meter meter)
    {
        var started = StartTime();
        meter.CreateObservableGauge("relay.build_info", () => Series.Of("version", (ServerCommand.Version, 1)), description: "Always 1; the label is the version of relayd.");
        meter.CreateObservableCounter("process.cpu", () => Environment.CpuUsage.TotalTime.TotalSeconds, unit: "s", description: "User and system CPU time.");
        meter.CreateObservableGauge("process.resident_memory", () => Environment.WorkingSet, unit: "By", description: "Resident memory size.");
        meter.CreateObservableGauge("process.open_fds", OpenFiles.Count, description: "Open file descriptors.");
        meter.CreateObservableGauge("process.max_fds", () => OpenFiles.Limit, description: "Maximum number of open file descriptors.");
        meter.CreateObservableGauge("process.start_time", () => started, unit: "s", description: "Start time of the process since the Unix epoch.");
        meter.CreateObservableGauge("process.threads", Threads, description: "Threads of the process.");
        meter.CreateObservableGauge("dotnet.gc.heap", () => GC.GetTotalMemory(forceFullCollection: false), unit: "By", description: "Managed heap size.");
        meter.CreateObservableCounter(
            "dotnet.gc.collections",
            () => Series.Of("generation", ("0", GC.CollectionCount(0)), ("1", GC.CollectionCount(1)), ("2", GC.CollectionCount(2))),
            description: "Garbage collections, by generation.");
        meter.CreateObservableCounter(
            "dotnet.gc.pause", () => GC.GetTotalPauseDuration().TotalSeconds, unit: "s", description: "Time for which garbage collections have stopped all threads.");
        meter.CreateObservableGauge(
            "dotnet.gc.pause.max",
            () => pauses.Longest.TotalSeconds,
            unit: "s",
            description: "The longest of those pauses since the start; several that follow one another at once count as one.");
    }

    public void Fill(Stats stats)
    {
        using var process = OwnProcess.GetCurrentProcess();
        stats.Process = new AdminApi.Process
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
            MaxGcPause = Duration.FromTimeSpan(pauses.Longest),
        };
    }

    private static double StartTime()
    {
        using var process = OwnProcess.GetCurrentProcess();
        return (process.StartTime.ToUniversalTime() - DateTime.UnixEpoch).TotalSeconds;
    }

    private static int Threads()
    {
        using var process = OwnProcess.GetCurrentProcess();
        return process.Threads.Count;
    }
}
