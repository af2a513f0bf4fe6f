using Relay.Addresses;
using Relay.Channels;
using Relay.Clients;
using Relay.Cluster.V1;
using Relay.Protocol;
using Relay.RateLimiting;

namespace Relay.Chunks;

/// <summary>
/// Tells subscribers of a channel which chunks were announced: the first at once, what follows within a second of it together. What
/// waits is bounded per channel and in total; when it is full, the newest of whichever address has announced most is dropped.
/// </summary>
internal sealed class ChunkNotices(ChannelTable channels, ChannelBus others, ChunkOptions options, TimeProvider time)
{
    public static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(100);

    /// <summary>A channel's subscribers are told at most once in this time.</summary>
    public static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    private readonly Lock _lock = new();

    // Guarded by _lock. Channels whose subscribers were told of something within the last second.
    private readonly Dictionary<string, NoticeBoard> _boards = new(StringComparer.Ordinal);
    private readonly FairPool<Notice> _shares = new();
    private long _dropped;

    /// <summary>Announced chunks that no subscriber was told of.</summary>
    public long Dropped => Interlocked.Read(ref _dropped);

    /// <summary>What waits, in bytes.</summary>
    public long Waiting
    {
        get
        {
            lock (_lock)
            {
                return _shares.Size;
            }
        }
    }

    /// <summary>A member of the channel, here or at another relay, has announced these chunks.</summary>
    /// <param name="address">What its address counts by.</param>
    public void Add(string channelId, Party source, IpKey address, IReadOnlyList<string> chunkIds)
    {
        List<Notice> due;
        lock (_lock)
        {
            if (!_boards.TryGetValue(channelId, out var board))
            {
                _boards.Add(channelId, board = new NoticeBoard());
            }

            foreach (var chunkId in chunkIds)
            {
                Post(board, new Notice(board, chunkId, source, address));
            }

            due = TakeDue(board);
        }

        Tell(channelId, due);
    }

    /// <summary>Tells what has waited long enough.</summary>
    public void Sweep()
    {
        var due = new List<(string ChannelId, List<Notice> Notices)>();
        lock (_lock)
        {
            foreach (var (channelId, board) in _boards)
            {
                if (TakeDue(board) is { Count: > 0 } notices)
                {
                    due.Add((channelId, notices));
                }
                else if (board.Count == 0 && IsDue(board))
                {
                    _boards.Remove(channelId);
                }
            }
        }

        foreach (var (channelId, notices) in due)
        {
            Tell(channelId, notices);
        }
    }

    private bool IsDue(NoticeBoard board) => board.LastTold is not { } last || time.GetElapsedTime(last) >= Pause;

    private void Post(NoticeBoard board, Notice notice)
    {
        if (!board.TryAdd(notice))
        {
            return;
        }

        notice.Share = _shares.Add(notice.Address, notice.Size, notice);
        while (board.Size > options.NoticeBytesPerChannel && notice.IsPosted)
        {
            Drop(board.Surplus(notice));
        }

        while (_shares.Size > options.NoticeBytes && notice.IsPosted)
        {
            Drop(_shares.Surplus(notice.Share).Last!.Value.Item);
        }
    }

    private void Drop(Notice notice)
    {
        Interlocked.Increment(ref _dropped);
        Remove(notice);
    }

    private void Remove(Notice notice)
    {
        notice.Board.Remove(notice);
        _shares.Remove(notice.Share!);
    }

    private List<Notice> TakeDue(NoticeBoard board)
    {
        var due = new List<Notice>();
        if (!IsDue(board))
        {
            return due;
        }

        for (var length = 0; board.Oldest is { } notice && (length += notice.Length) <= options.NoticeLength;)
        {
            Remove(notice);
            due.Add(notice);
        }

        board.LastTold = due.Count > 0 ? time.GetTimestamp() : board.LastTold;
        return due;
    }

    // A source is not told of its own. The message counts against the address that has announced most of it.
    private void Tell(string channelId, List<Notice> notices)
    {
        if (notices.Count == 0)
        {
            return;
        }

        var payer = notices.GroupBy(notice => notice.Address).MaxBy(own => own.Sum(notice => notice.Length))!.Key;
        TellOthers(channelId, notices);
        var sources = notices.Select(notice => notice.Source).ToHashSet();
        var subscribers = channels.Subscribers(channelId);
        FanOut.Pass([.. subscribers.Where(subscriber => !sources.Contains(subscriber))], Message(channelId, notices), payer);
        foreach (var source in sources.Count > 1 ? subscribers.Where(sources.Contains) : [])
        {
            if (notices.FindAll(notice => notice.Source != source) is { Count: > 0 } foreign)
            {
                source.Session.Pass(Message(channelId, foreign), payer);
            }
        }
    }

    // The relays of a cluster that have subscribers hear of what this one's clients have announced, as often as its own subscribers.
    private void TellOthers(string channelId, List<Notice> notices)
    {
        foreach (var own in others.IsOn ? notices.Where(notice => notice.Source is Client).GroupBy(notice => notice.Address) : [])
        {
            others.Publish(channelId, new Envelope
            {
                ChunksAnnounced = new ChunksAnnounced { ChunkIds = { own.Select(notice => notice.ChunkId) }, Address = ClientAddresses.ToMessage(own.Key) },
            });
        }
    }

    private static EncodedMessage Message(string channelId, List<Notice> notices) =>
        MessageWriter.Write(new ChunkAvailable(channelId, [.. notices.Select(notice => notice.ChunkId)]), ServerJson.Default.ChunkAvailable);
}
