using Relay.Cluster.V1;

namespace Relay.Cluster;

/// <summary>Messages and bytes of the cluster by kind, sent and received.</summary>
internal sealed class BusTraffic
{
    private static readonly Envelope.BodyOneofCase[] Kinds = [.. Enum.GetValues<Envelope.BodyOneofCase>().Where(kind => kind != Envelope.BodyOneofCase.None)];
    private static readonly int Size = Kinds.Max(kind => (int)kind) + 1;

    // Atomic, each.
    private readonly Cell[] _sent = new Cell[Size];
    private readonly Cell[] _received = new Cell[Size];

    public void Sent(Envelope.BodyOneofCase kind, int bytes) => _sent[(int)kind].Add(bytes);

    public void Received(Envelope.BodyOneofCase kind, long bytes) => _received[(int)kind].Add(bytes);

    /// <summary>Every kind in both directions, also those that there were none of.</summary>
    public IEnumerable<(string Direction, string Kind, long Messages, long Bytes)> All() => Kinds.SelectMany(kind => new[]
    {
        ("sent", Name(kind), _sent[(int)kind].Messages, _sent[(int)kind].Bytes),
        ("received", Name(kind), _received[(int)kind].Messages, _received[(int)kind].Bytes),
    });

    private static string Name(Envelope.BodyOneofCase kind) =>
        string.Concat(kind.ToString().Select((letter, at) => at > 0 && char.IsUpper(letter) ? $"_{char.ToLowerInvariant(letter)}" : $"{char.ToLowerInvariant(letter)}"));

    private struct Cell
    {
        private long _messages;
        private long _bytes;

        public long Messages => Interlocked.Read(ref _messages);

        public long Bytes => Interlocked.Read(ref _bytes);

        public void Add(long bytes)
        {
            Interlocked.Increment(ref _messages);
            Interlocked.Add(ref _bytes, bytes);
        }
    }
}
