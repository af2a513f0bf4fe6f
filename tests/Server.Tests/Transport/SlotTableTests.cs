using Relay.Transport;

namespace Server.Tests.Transport;

public sealed class SlotTableTests
{
    private readonly SlotTable<object> _table = new();

    [Fact]
    public void All_AfterGrowingAndRemoving_HasWhatIsLeft()
    {
        var items = Enumerable.Range(0, 1000).Select(_ => new object()).ToList();
        var slots = items.ConvertAll(_table.Add);
        Assert.Equal(1000, slots.Distinct().Count());
        for (var i = 0; i < 1000; i += 2)
        {
            _table.Remove(slots[i], items[i]);
        }

        Assert.Equal(500, _table.Count);
        Assert.Equal(items.Where((_, i) => i % 2 == 1), _table.All);
    }

    [Fact]
    public void Remove_Twice_LeavesTheSuccessorAlone()
    {
        var (first, second) = (new object(), new object());
        var slot = _table.Add(first);
        _table.Remove(slot, first);
        Assert.Equal(slot, _table.Add(second));
        _table.Remove(slot, first);
        _table.Remove(-1, first);

        Assert.Equal([second], _table.All);
        Assert.Equal(1, _table.Count);
    }

    [Fact]
    public void Add_AndRemove_FromManyThreads_LosesNothing()
    {
        var kept = new object();
        _table.Add(kept);
        Parallel.For(0, 8, _ =>
        {
            for (var round = 0; round < 200; round++)
            {
                var items = Enumerable.Range(0, 20).Select(_ => new object()).ToList();
                var slots = items.ConvertAll(_table.Add);
                Assert.Contains(kept, _table.All);
                items.Zip(slots).ToList().ForEach(pair => _table.Remove(pair.Second, pair.First));
            }
        });

        Assert.Equal([kept], _table.All);
        Assert.Equal(1, _table.Count);
    }
}
