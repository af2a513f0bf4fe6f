using Relay.Channels;
using Relay.Memory;
using Relay.Sessions;

namespace Server.Tests.Chunks;

/// <summary>What a table of chunks needs beside itself.</summary>
internal static class ChunkTables
{
    public static ChannelTable Channels(TimeProvider time)
    {
        var options = new ChannelOptions();
        var directory = new ChannelDirectory(time);
        return new ChannelTable(directory, new StreamTable(directory), new UpstreamQueue(directory, options, new ClientSessionOptions(), MemoryBudget.Unlimited, time), options);
    }
}
