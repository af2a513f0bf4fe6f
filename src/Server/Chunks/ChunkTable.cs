namespace Relay.Chunks;

/// <summary>Which chunks are known: who has them, who waits for them, which are kept.</summary>
internal sealed class ChunkTable
{
    public ChunkFigures Figures() => throw new NotImplementedException();
}
