using Relay.Clients;

namespace Relay.Chunks;

/// <summary>What there is for one who asks for a chunk.</summary>
internal enum Availability
{
    NoSource,

    /// <summary>It is kept here.</summary>
    Kept,

    /// <summary>A source has it: the requester may wait.</summary>
    ToWaitFor,

    /// <summary>The client waits for too many chunks.</summary>
    TooManyPulls,

    /// <summary>Too many wait for this chunk.</summary>
    TooManyWaiters,
}

/// <summary>The answer to a request.</summary>
/// <param name="Content">Where it is, if it is kept.</param>
/// <param name="Ask">The source that the caller has to ask now.</param>
/// <param name="Displaced">Who waited for it and does no more, because others get its place.</param>
internal readonly record struct RequestAnswer(Availability Availability, CachedChunk? Content = null, Party? Ask = null, Party? Displaced = null);

/// <summary>Whether a push is welcome.</summary>
internal enum PushVerdict
{
    NotASource,

    /// <summary>Other bytes are kept, which only the channel's owner may replace.</summary>
    OtherIsKept,

    /// <summary>The very same bytes are kept.</summary>
    SameIsKept,

    /// <summary>To be written; the caller owes the table a <see cref="ChunkTable.Finish"/>.</summary>
    Accepted,
}

/// <summary>What the table says to a push.</summary>
/// <param name="Content">The content kept now, if the push was accepted.</param>
internal readonly record struct PushAnswer(PushVerdict Verdict, CachedChunk? Content = null);
