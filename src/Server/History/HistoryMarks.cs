using Google.Protobuf.WellKnownTypes;
using Relay.Addresses;
using Relay.Admission;
using Relay.Events;

namespace Relay.History;

/// <summary>
/// The last events. What clients can cause again and again has a half of the room of its own, so that it pushes nothing else out, and automatic bans of
/// one minute are one mark, as are their expiries. Not thread-safe; its owner guards it.
/// </summary>
internal sealed class HistoryMarks
{
    public const int Capacity = 1_000;

    /// <summary>Characters of a text; a change of the policy may have a sentence of several thousand.</summary>
    public const int MaxText = 500;

    private static readonly TimeSpan Together = TimeSpan.FromMinutes(1);

    private readonly Queue<Mark> _caused = [];
    private readonly Queue<Mark> _others = [];
    private Mark? _bans;
    private Mark? _expiries;

    public void Add(in PublishedEvent published)
    {
        var happened = published.Event;
        if (happened.Level < LogLevel.Information)
        {
            return;
        }

        switch (happened)
        {
            case AddressBanned:
                Add(ref _bans, published, 1, "addresses were banned automatically; `relayctl bans` lists them");
                break;
            case MoreAddressesBanned more:
                Add(ref _bans, published, more.Count, "addresses were banned automatically; `relayctl bans` lists them");
                break;
            case AutoBanExpired:
                Add(ref _expiries, published, 1, "automatic bans expired");
                break;
            case MoreAutoBansExpired more:
                Add(ref _expiries, published, more.Count, "automatic bans expired");
                break;
            case OverloadLevelChanged or ProxyWarningChanged:
                Add(_caused, new Mark(published));
                break;
            default:
                Add(_others, new Mark(published));
                break;
        }
    }

    /// <summary>Those after one moment and not after another, oldest first.</summary>
    public IEnumerable<AdminApi.HistoryMark> Between(DateTimeOffset after, DateTimeOffset until) => _caused.Concat(_others)
        .Where(mark => mark.At > after && mark.At <= until)
        .OrderBy(mark => mark.At)
        .ThenBy(mark => mark.Sequence)
        .Select(mark => mark.ToMessage());

    private void Add(ref Mark? last, in PublishedEvent published, int count, string what)
    {
        if (last is null || (published.Time - last.At).Duration() >= Together)
        {
            last = new Mark(published);
            Add(_caused, last);
        }

        last.Count += count;
        if (last.Count > count)
        {
            last.Text = FormattableString.Invariant($"{last.Count} {what}");
        }
    }

    private static void Add(Queue<Mark> marks, Mark mark)
    {
        if (marks.Count == Capacity / 2)
        {
            marks.Dequeue();
        }

        marks.Enqueue(mark);
    }

    private sealed class Mark(in PublishedEvent published)
    {
        private readonly (string Kind, string Who, string Reason) _event = (published.Event.Kind, Cut(published.Event.Who), Cut(published.Event.Reason));

        public long Sequence { get; } = published.Sequence;

        public DateTimeOffset At { get; } = published.Time;

        public string Text { get; set; } = Cut(published.Event.Text);

        /// <summary>Automatic bans, or expiries, that it is about.</summary>
        public int Count { get; set; }

        public AdminApi.HistoryMark ToMessage() => new()
        {
            At = Timestamp.FromDateTimeOffset(At),
            Kind = _event.Kind,
            Text = Text,
            By = _event.Who,
            Reason = _event.Reason,
        };

        private static string Cut(string text) =>
            text.Length <= MaxText ? text : $"{text.AsSpan(0, MaxText - (char.IsHighSurrogate(text[MaxText - 2]) ? 2 : 1))}…";
    }
}
