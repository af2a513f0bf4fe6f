namespace Relay.History;

/// <summary>The samples of the last 24 hours. It grows by an hour at a time until it has them, and replaces the oldest then. Not thread-safe; its owner guards it.</summary>
internal sealed class SampleRing
{
    public const int Capacity = PerPart * Parts;

    private const int PerPart = 360;
    private const int Parts = 24;

    private readonly HistorySample[]?[] _parts = new HistorySample[Parts][];
    private long _added;

    /// <summary>How many there are.</summary>
    public int Count => (int)Math.Min(_added, Capacity);

    /// <summary>One of them; 0 is the newest.</summary>
    public ref readonly HistorySample this[int age] => ref At(_added - 1 - age);

    public void Add(in HistorySample sample)
    {
        _parts[_added / PerPart % Parts] ??= new HistorySample[PerPart];
        At(_added++) = sample;
    }

    private ref HistorySample At(long number) => ref _parts[number / PerPart % Parts]![number % PerPart];
}
