using System.Diagnostics.Metrics;
using System.Globalization;
using Relay.AdminApi;
using Relay.Telemetry;

namespace Relay.Admin;

/// <summary>What the machine or container allows the relay: `relayctl doctor` compares it with what the relay was told to serve.</summary>
/// <param name="backlog">Connections that wait to be accepted on each public listener.</param>
/// <param name="folder">The data folder; null: there is none.</param>
internal sealed class MachineStatistics(int backlog, string? folder) : IStatistics
{
    private const string BacklogLimit = "/proc/sys/net/core/somaxconn";

    private readonly DriveInfo? _drive = folder is null ? null : new DriveInfo(folder);

    public void AddInstruments(Meter meter)
    {
        // Monitoring has these from the machine itself.
    }

    public void Fill(Stats stats)
    {
        stats.Machine = new MachineStats { ListenBacklog = backlog, ListenBacklogLimit = ReadBacklogLimit() };
        try
        {
            (stats.Machine.DiskAvailableBytes, stats.Machine.DiskTotalBytes) = (_drive?.AvailableFreeSpace ?? 0, _drive?.TotalSize ?? 0);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Not mounted at the moment, or the system does not tell.
        }
    }

    private static long ReadBacklogLimit()
    {
        try
        {
            return long.TryParse(File.ReadAllText(BacklogLimit), NumberStyles.AllowTrailingWhite, CultureInfo.InvariantCulture, out var limit) ? limit : 0;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return 0;
        }
    }
}
