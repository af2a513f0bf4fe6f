using System.Data.Common;
using Relay.Addresses;
using Relay.Storage;

namespace Relay.Chunks;

/// <summary>A row as it is found at the start, without its data. Age: since it was pushed; address: who pushed it.</summary>
internal readonly record struct StoredChunk(long Row, string ChunkId, string ChannelId, string Digest, int Size, TimeSpan Age, IpKey Address);

/// <summary>
/// The SQL of kept chunks. A cache may lose what it holds: trouble with the disk, which the database has logged, is reported as a
/// value, so that chunks are passed on even when nothing can be kept. Of relays that share a database each removes what itself has written,
/// and what has expired.
/// </summary>
internal sealed class ChunkStore(Database database, ChunkOptions options, TimeProvider time)
{
    public static readonly TimeSpan DeleteInterval = TimeSpan.FromMinutes(1);

    // Rows that one transaction deletes.
    public const int DeleteBatch = 256;

    private const string Columns = "id, chunk_id, channel_id, digest, length(data), cached_at, address";

    private readonly Statement _load = new($"SELECT {Columns} FROM chunk_cache ORDER BY cached_at, id");
    private readonly Statement _find = new($"SELECT {Columns} FROM chunk_cache WHERE channel_id = @channel AND chunk_id = @chunk");
    private readonly Statement _ids = new(
        "SELECT id, chunk_id FROM chunk_cache WHERE channel_id = @channel AND cached_at > @before ORDER BY cached_at DESC, id DESC LIMIT @limit");
    private readonly Statement _write = new(
        """
        INSERT INTO chunk_cache (id, chunk_id, channel_id, digest, cached_at, address, data)
        VALUES (@id, @chunk, @channel, @digest, @now, @address, @data)
        ON CONFLICT (channel_id, chunk_id) DO UPDATE SET
            id = excluded.id, digest = excluded.digest, cached_at = excluded.cached_at, address = excluded.address, data = excluded.data
        """);
    private readonly Statement _read = new("SELECT data FROM chunk_cache WHERE id = @id");
    private readonly Statement _refresh = new("UPDATE chunk_cache SET cached_at = @now WHERE id = @id");
    private readonly Statement _delete = new("DELETE FROM chunk_cache WHERE id = @id");

    private readonly Statement _deleteExpired = new(
        "DELETE FROM chunk_cache WHERE id IN (SELECT id FROM chunk_cache WHERE cached_at <= @before ORDER BY cached_at LIMIT @limit)");

    private long Now => time.GetUtcNow().ToUnixTimeMilliseconds();

    // What was pushed then or earlier has expired.
    private long Oldest => Now - (long)options.CacheLifetime.TotalMilliseconds;

    /// <summary>Other relays may keep chunks in the same database.</summary>
    public bool IsShared => database.IsShared;

    /// <summary>Rows are numbered upwards from here.</summary>
    public long FirstRow => database.Own(0);

    /// <summary>All rows, oldest first; none of a database that is away: what it holds is found later, as what others keep there.</summary>
    public Task<List<StoredChunk>> LoadAsync() => database.IsAway ? Task.FromResult(new List<StoredChunk>()) : database.RunAsync(connection => Read(_load.Read(connection)));

    /// <summary>What another relay on the database has kept of a chunk. Its own a relay knows, also those that are still to be deleted.</summary>
    public async Task<StoredChunk?> TryFindAsync(string channelId, string chunkId)
    {
        var rows = database.IsShared
            ? await TryAsync(database.RunAsync(connection => Read(_find.Read(connection, ("@channel", channelId), ("@chunk", chunkId)))))
            : null;
        return rows is [var found] && !database.IsOwn(found.Row) ? found : null;
    }

    /// <summary>Ids of a channel's chunks that other relays on the database have kept, those pushed last first; none where it has failed.</summary>
    public async Task<IReadOnlyList<string>> FindIdsAsync(string channelId) =>
        await TryAsync(database.RunAsync(connection =>
        {
            using var rows = _ids.Read(connection, ("@channel", channelId), ("@before", Oldest), ("@limit", options.CacheChunks));
            var ids = new List<string>();
            while (rows.Read())
            {
                if (!database.IsOwn(rows.GetInt64(0)))
                {
                    ids.Add(rows.Text(1));
                }
            }

            return ids;
        })) ?? [];

    /// <summary>True once it is on the disk; false: it never will be.</summary>
    public Task<bool> TryWriteAsync(CachedChunk content, byte[] data) => TryAsync(database.RunAsync(connection =>
        _write.Execute(
            connection,
            ("@id", content.Row),
            ("@chunk", content.Chunk.Id),
            ("@channel", content.Chunk.ChannelId),
            ("@digest", content.Digest),
            ("@now", Now),
            ("@address", content.Holder.ToString()),
            ("@data", data)) == 1));

    /// <summary>The JSON value, or null when it is not there.</summary>
    public Task<byte[]?> TryReadAsync(CachedChunk content) => TryReadAsync(content.Row);

    /// <summary>The same of a row that was found.</summary>
    public Task<byte[]?> TryReadAsync(long row) => TryAsync(database.RunAsync(connection =>
    {
        using var reader = _read.Read(connection, ("@id", row));
        return reader.Read() ? reader.GetFieldValue<byte[]>(0) : null;
    }));

    /// <summary>Its life begins anew.</summary>
    public Task<bool> TryRefreshAsync(CachedChunk content) => TryAsync(database.RunAsync(connection =>
        _refresh.Execute(connection, ("@now", Now), ("@id", content.Row)) == 1));

    /// <summary>Rows that are not needed any more. Those of others are theirs to delete.</summary>
    public Task<bool> TryDeleteAsync(IReadOnlyList<long> rows) => TryAsync(database.RunAsync(connection =>
    {
        foreach (var row in rows.Where(row => !database.IsShared || database.IsOwn(row)))
        {
            _delete.Execute(connection, ("@id", row));
        }

        return true;
    }));

    /// <summary>What relays have left that are no more; on a database of its own a relay knows all rows.</summary>
    public async Task DeleteExpiredAsync(CancellationToken stoppingToken)
    {
        var before = Oldest;
        while (database.IsShared && !stoppingToken.IsCancellationRequested
            && await TryAsync(database.RunAsync(connection => _deleteExpired.Execute(connection, ("@before", before), ("@limit", DeleteBatch)))) == DeleteBatch)
        {
        }
    }

    private List<StoredChunk> Read(DbDataReader reader)
    {
        using (reader)
        {
            var now = Now;
            var rows = new List<StoredChunk>();
            while (reader.Read())
            {
                // A clock that was set back makes nothing younger than new.
                var age = TimeSpan.FromMilliseconds(Math.Max(0, now - reader.GetInt64(5)));
                rows.Add(new StoredChunk(reader.GetInt64(0), reader.Text(1), reader.Text(2), reader.Text(3), reader.GetInt32(4), age, IpPrefix.KeyOf(reader.Text(6))));
            }

            return rows;
        }
    }

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
