using Microsoft.Extensions.Logging.Abstractions;
using Relay.Admission;
using Relay.Memory;

namespace Server.Tests.Admission;

public sealed class MemoryCeilingTests
{
    private const long MiB = 1 << 20;

    private readonly Books _books = new(total: 100_000, perIp: 100_000, configure: options => options.MemoryReserve = 10);
    private readonly MemoryCeiling _memory;
    private MemoryBudget _budget = new(0);
    private MemoryReading _reading = new(Limit: 1000 * MiB, Available: 500 * MiB, InUse: 100 * MiB, Spare: 0);

    public MemoryCeilingTests() => _memory = new MemoryCeiling(_books.Ledger, _books.Policies, _books.Options, _budget, NullLogger<MemoryCeiling>.Instance, () => _reading);

    [Fact]
    public void Start_NothingMeasured_TakesWhatASocketTakesIdle()
    {
        _memory.Look();

        // 400 MiB above the reserve, 16 KiB each.
        Assert.Equal((400 * 64, "memory"), (Ceiling.ByMemory, Ceiling.Cause));
        Assert.Equal(MemoryCeiling.AssumedBytes, _memory.BytesPerConnection);
    }

    [Fact]
    public void Start_MemoryIsNotKnown_IsNoCeiling()
    {
        _reading = default;
        _memory.Look();

        Assert.Equal(Ceiling.None, Ceiling);
    }

    [Fact]
    public void Look_SocketsTakeMore_LowersTheCeiling()
    {
        _memory.Look();
        Take(1000);
        _reading = _reading with { InUse = 100 * MiB + (1000 * 32 * 1024) };
        Look(times: 60);

        Assert.InRange(_memory.BytesPerConnection, 32_700, 32_768);
        Assert.InRange(Ceiling.ByMemory, 1000 + (400 * 32), 1000 + (400 * 32) + 50);
    }

    [Fact]
    public void Look_FewSockets_MeasuresNothing()
    {
        _memory.Look();
        Take(499);
        _reading = _reading with { InUse = 400 * MiB };
        Look();

        Assert.Equal(MemoryCeiling.AssumedBytes, _memory.BytesPerConnection);
    }

    // After a flood the process stays big; what its collector has free is as good as the machine's.
    [Fact]
    public void Look_CollectorHoldsOnToMemory_LosesNoRoom()
    {
        _memory.Look();
        var before = Ceiling.ByMemory;
        _reading = _reading with { Available = 200 * MiB, Spare = 300 * MiB };
        Look(times: 5);

        Assert.Equal(before, Ceiling.ByMemory);
    }

    [Fact]
    public void Look_LessAvailable_IsLowerAtOnce()
    {
        _memory.Look();
        _reading = _reading with { Available = 101 * MiB };
        Look();

        Assert.Equal(64, Ceiling.ByMemory);
    }

    [Fact]
    public void Look_ASmallControlGroup_KeepsMoreThanAShare()
    {
        _reading = new(Limit: 100 * MiB, Available: 50 * MiB, InUse: 50 * MiB, Spare: 0);
        _memory.Look();

        Assert.Equal((50 - 32) * 64, Ceiling.ByMemory);
    }

    // What buffers take is no longer available, and what they have yet to take is kept for them: each byte once.
    [Fact]
    public void Look_WithABudget_KeepsWhatIsUnusedOfIt()
    {
        _budget = new MemoryBudget(100 * MiB);
        var memory = new MemoryCeiling(_books.Ledger, _books.Policies, _books.Options, _budget, NullLogger<MemoryCeiling>.Instance, () => _reading);
        memory.Look();
        Assert.Equal(300 * 64, Ceiling.ByMemory);

        _budget.Add(60 * MiB);
        _reading = _reading with { Available = 440 * MiB, InUse = 160 * MiB };
        memory.Look();
        Assert.Equal(300 * 64, Ceiling.ByMemory);
    }

    [Fact]
    public void Look_BuffersAreFull_AreNoPartOfAConnection()
    {
        _budget = new MemoryBudget(100 * MiB);
        var memory = new MemoryCeiling(_books.Ledger, _books.Policies, _books.Options, _budget, NullLogger<MemoryCeiling>.Instance, () => _reading);
        memory.Look();
        Take(1000);
        _budget.Add(60 * MiB);
        _reading = _reading with { InUse = (160 * MiB) + (1000 * MemoryCeiling.AssumedBytes) };
        for (var i = 0; i < 60; i++)
        {
            memory.Look();
        }

        Assert.InRange(memory.BytesPerConnection, MemoryCeiling.AssumedBytes - 16, MemoryCeiling.AssumedBytes + 16);
    }

    [Fact]
    public void Look_NothingLeft_AdmitsNobodyMore()
    {
        _memory.Look();
        Take(5);
        _reading = _reading with { Available = 10 * MiB };
        Look();

        Assert.Equal(Refusal.Ceiling, _books.Refused(1));
    }

    [Fact]
    public void Look_MoreAvailable_IsHigherOnlyWhenItLasts()
    {
        _memory.Look();
        var low = Ceiling.ByMemory;
        _reading = _reading with { Available = 600 * MiB };
        Look(times: 2);
        Assert.Equal(low, Ceiling.ByMemory);
        _reading = _reading with { Available = 500 * MiB };
        Look();
        _reading = _reading with { Available = 600 * MiB };
        Look(times: 2);
        Assert.Equal(low, Ceiling.ByMemory);

        Look();
        Assert.Equal(500 * 64, Ceiling.ByMemory);
    }

    // Within a tenth nothing is moved: the figure that operators see stands still.
    [Fact]
    public void Look_LittleMore_StaysAsItIs()
    {
        _memory.Look();
        var before = Ceiling.ByMemory;
        _reading = _reading with { Available = 530 * MiB };
        Look(times: 20);

        Assert.Equal(before, Ceiling.ByMemory);
    }

    private Ceiling Ceiling => _books.Ledger.Totals().Ceiling;

    private void Take(int sockets)
    {
        for (var i = 0; i < sockets; i++)
        {
            _books.Take(1);
        }
    }

    private void Look(int times = 1)
    {
        for (var i = 0; i < times; i++)
        {
            _memory.Look();
        }
    }
}
