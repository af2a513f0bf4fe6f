using System.Globalization;
using Relay.AdminApi;

namespace Relay.Benchmarks.Soak;

/// <summary>One look at the relay: its memory, and every table that must be empty when nobody is there.</summary>
internal sealed class SoakFigures(Stats stats)
{
    public static string Header =>
        $"{"time",6} {"RSS",9} {"heap",9} {"gen0",5} {"gen1",5} {"gen2",5} {"clients",7} {"codes",5} {"relays",6} {"pending",7} {"links",5} "
        + $"{"points",6} {"tokens",6} {"channels",8} {"subscr",6} {"upstream",8} {"chunks",6} {"cached",6} {"pulls",5} {"queued",6} {"db",3} {"files",5} {"in",9} {"out",9}";

    public double ResidentMiB => stats.Process.ResidentBytes / 1048576.0;

    public double HeapMiB => stats.Process.HeapBytes / 1048576.0;

    public long OpenFiles => stats.Process.OpenFiles;

    /// <summary>What is in any table.</summary>
    public IEnumerable<(string Name, long Value)> Left => Tables.Where(table => table.Value != 0);

    private IEnumerable<(string Name, long Value)> Tables =>
    [
        ("clients", stats.Connections.Current),
        ("addresses", stats.Connections.Addresses),
        ("pairing codes", stats.Connections.Signaling),
        ("peer ids", stats.Connections.Relay),
        ("pair requests", stats.Pairing.PendingRequests),
        ("link requests", stats.Pairing.PendingLinks),
        ("relays", stats.Relays.Registered),
        ("daily points", stats.Rendezvous.DailyPoints),
        ("hourly tokens", stats.Rendezvous.HourlyTokens),
        ("channels", stats.Channels.Channels),
        ("subscriptions", stats.Channels.Subscriptions),
        ("upstream messages", stats.Channels.Waiting),
        ("upstream bytes", stats.Channels.WaitingBytes),
        ("chunks known", stats.Chunks.Known),
        ("chunks kept", stats.Chunks.Cached),
        ("bytes of chunks kept", stats.Chunks.CachedBytes),
        ("chunk sources", stats.Chunks.Sources),
        ("chunk pulls", stats.Chunks.Pulls),
        ("outgoing messages", stats.Traffic.QueuedMessages),
        ("database queue", stats.Storage.Waiting),
    ];

    public string Row(TimeSpan at) => string.Create(
        CultureInfo.InvariantCulture,
        $"{at.TotalSeconds,5:0}s {ResidentMiB,5:0.0} MiB {HeapMiB,5:0.0} MiB {stats.Process.CollectionsGen0,5} {stats.Process.CollectionsGen1,5} {stats.Process.CollectionsGen2,5} "
        + $"{stats.Connections.Current,7} {stats.Pairing.ActiveCodes,5} {stats.Relays.Registered,6} {stats.Pairing.PendingRequests,7} {stats.Pairing.PendingLinks,5} "
        + $"{stats.Rendezvous.DailyPoints,6} {stats.Rendezvous.HourlyTokens,6} {stats.Channels.Channels,8} {stats.Channels.Subscriptions,6} {stats.Channels.Waiting,8} "
        + $"{stats.Chunks.Known,6} {stats.Chunks.Cached,6} {stats.Chunks.Pulls,5} {stats.Traffic.QueuedMessages,6} {stats.Storage.Waiting,3} {OpenFiles,5} "
        + $"{stats.Traffic.MessagesReceivedTotal,9} {stats.Traffic.MessagesSentTotal,9}");
}
