using Relay.Memory;

namespace Relay.Transport.Engine;

/// <summary>What the system did not take of a batch, copied, and counted in the memory budget. Guarded by its connection's monitor.</summary>
internal struct BatchRest
{
    private ReadOnlyMemory<byte> _bytes;

    public readonly int Length => _bytes.Length;

    public readonly bool IsEmpty => _bytes.IsEmpty;

    public readonly ReadOnlySpan<byte> Span => _bytes.Span;

    /// <summary>Copies bytes while there are none.</summary>
    public void Keep(ReadOnlySpan<byte> bytes, MemoryBudget memory)
    {
        if (!bytes.IsEmpty)
        {
            _bytes = bytes.ToArray();
            memory.Add(bytes.Length);
        }
    }

    /// <summary>The first of them have gone.</summary>
    public void Remove(int bytes, MemoryBudget memory)
    {
        if (bytes > 0)
        {
            _bytes = _bytes[bytes..];
            memory.Release(bytes);
        }
    }
}
