using Relay.Clients;
using Relay.Protocol.Moving;

namespace Relay.Chunks;

/// <summary>Sources of chunks, and whoever waits for one, do not move to another process: what is under way between them would have to be written down.</summary>
internal sealed class ChunksMove(ChunkTable table) : IMovable
{
    public IEnumerable<long> Staying() => table.Involved().Select(client => client.Session.Id);

    public void Write(Departure departure)
    {
    }

    public bool TryRead(MovedPart part, Arrivals arrivals) => false;
}

/// <summary>The table's part of it.</summary>
internal sealed partial class ChunkTable
{
    /// <summary>Clients that have chunks, were asked for some, or wait for some.</summary>
    public IReadOnlyList<Client> Involved()
    {
        lock (_lock)
        {
            return [.. _known.Pulls.Parties.OfType<Client>().Concat(_known.Sources.Clients).Distinct()];
        }
    }
}
