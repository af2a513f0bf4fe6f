using System.ComponentModel.DataAnnotations;
using Relay.Configuration;

namespace Relay.Chunks;

/// <summary>Content chunks: who has them, and those kept here.</summary>
internal sealed class ChunkOptions
{
    /// <summary>Largest chunk, in UTF-16 units of its JSON text (of the text itself where it is a JSON string).</summary>
    internal int MaxChunkLength { get; set; } = 65_536;

    /// <summary>Chunks kept; one more removes the one used longest ago of whichever address has pushed most.</summary>
    internal int CacheChunks { get; set; } = 1000;

    /// <summary>Bytes of chunks kept; more remove those used longest ago of whichever address has pushed most. At least the largest message there can be, so that any chunk fits.</summary>
    [Range(1 << 24, int.MaxValue)]
    public int CacheBytes { get; set; } = 64 * 1024 * 1024;

    /// <summary>How long a chunk is kept after it was pushed.</summary>
    [DurationRange("1s", "30d")]
    public TimeSpan CacheLifetime { get; set; } = TimeSpan.FromMinutes(30);

    /// <summary>Bytes of ids in one chunk_available. An announcement of a hundred usual ids has a tenth of that.</summary>
    internal int NoticeLength { get; set; } = 65_536;

    /// <summary>Memory for announced chunks that one channel's subscribers are not told of yet; more drops the newest of whichever address has most.</summary>
    internal int NoticeBytesPerChannel { get; set; } = 1024 * 1024;

    /// <summary>The same for all channels together.</summary>
    internal int NoticeBytes { get; set; } = 32 * 1024 * 1024;

    /// <summary>How long an announcement is believed.</summary>
    internal TimeSpan SourceLifetime { get; set; } = TimeSpan.FromHours(1);

    /// <summary>How long a source may take to push what it was asked for.</summary>
    internal TimeSpan PullTimeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>Chunks that one socket may have announced; one more forgets its oldest.</summary>
    internal int AnnouncedPerSocket { get; set; } = 1000;

    /// <summary>Announcements of all sockets, 1 KB of memory each at most; one more forgets the oldest of whichever address has most.</summary>
    internal int AnnouncedTotal { get; set; } = 100_000;

    /// <summary>Chunks that one socket may wait for at once.</summary>
    internal int PullsPerSocket { get; set; } = 100;

    /// <summary>Sockets that may wait for one chunk; a push serves them all at once. One more takes the place of one of whichever address has most.</summary>
    internal int WaitersPerPull { get; set; } = 1000;
}
