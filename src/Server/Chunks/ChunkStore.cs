using Relay.Addresses;
using Relay.Storage;

namespace Relay.Chunks;

/// <summary>A row as it is found at the start, without its data. Age: since it was pushed; address: who pushed it.</summary>
internal readonly record struct StoredChunk(long Row, string ChunkId, string ChannelId, string Digest, int Size, TimeSpan Age, IpKey Address);

/// <summary>
/// The SQL of kept chunks. A cache may lose what it holds: trouble with the disk, which the database has logged, is reported as a
/// value, so that chunks are passed on even when nothing can be kept.
/// </summary>
internal sealed class ChunkStore(Database database, TimeProvider time)
{
    private readonly Statement _load = new("SELECT id, chunk_id, channel_id, digest, length(data), cached_at, address FROM chunk_cache ORDER BY id");
    private readonly Statement _insert = new(
        """
        INSERT INTO chunk_cache (id, chunk_id, channel_id, digest, cached_at, address, data)
        VALUES ($id, $chunk, $channel, $digest, $now, $address, $data)
        """);
    private readonly Statement _read = new("SELECT data FROM chunk_cache WHERE id = $id");
    private readonly Statement _refresh = new("UPDATE chunk_cache SET cached_at = $now WHERE id = $id");
    private readonly Statement _delete = new("DELETE FROM chunk_cache WHERE id = $id");

    private long Now => time.GetUtcNow().ToUnixTimeMilliseconds();

    /// <summary>All rows, in their order.</summary>
    public Task<List<StoredChunk>> LoadAsync() => database.RunAsync(connection =>
    {
        var now = Now;
        var rows = new List<StoredChunk>();
        using var reader = _load.Read(connection);
        while (reader.Read())
        {
            // A clock that was set back makes nothing younger than new.
            var age = TimeSpan.FromMilliseconds(Math.Max(0, now - reader.GetInt64(5)));
            rows.Add(new StoredChunk(
                reader.GetInt64(0), reader.GetString(1), reader.GetString(2), reader.GetString(3), reader.GetInt32(4), age, IpPrefix.KeyOf(reader.GetString(6))));
        }

        return rows;
    });

    /// <summary>True once it is on the disk; false: it never will be.</summary>
    public Task<bool> TryWriteAsync(CachedChunk content, byte[] data) => TryAsync(database.RunAsync(connection =>
        _insert.Execute(
            connection,
            ("$id", content.Row),
            ("$chunk", content.Chunk.Id),
            ("$channel", content.Chunk.ChannelId),
            ("$digest", content.Digest),
            ("$now", Now),
            ("$address", content.Holder.ToString()),
            ("$data", data)) == 1));

    /// <summary>The JSON value, or null when it is not there.</summary>
    public Task<byte[]?> TryReadAsync(CachedChunk content) => TryAsync(database.RunAsync(connection =>
    {
        using var reader = _read.Read(connection, ("$id", content.Row));
        return reader.Read() ? reader.GetFieldValue<byte[]>(0) : null;
    }));

    /// <summary>Its life begins anew.</summary>
    public Task<bool> TryRefreshAsync(CachedChunk content) => TryAsync(database.RunAsync(connection =>
        _refresh.Execute(connection, ("$now", Now), ("$id", content.Row)) == 1));

    public Task<bool> TryDeleteAsync(IReadOnlyList<long> rows) => TryAsync(database.RunAsync(connection =>
    {
        foreach (var row in rows)
        {
            _delete.Execute(connection, ("$id", row));
        }

        return true;
    }));

    private static async Task<T?> TryAsync<T>(Task<T> work)
    {
        try
        {
            return await work;
        }
        catch (StorageException)
        {
            return default;
        }
    }
}
