using Microsoft.Data.Sqlite;
using Relay.Storage;

namespace Relay.Chunks;

/// <summary>A row as it is found at the start, without its data. Age: since it was pushed.</summary>
internal readonly record struct StoredChunk(long Row, string ChunkId, string ChannelId, string Digest, int Size, TimeSpan Age);

/// <summary>
/// The SQL of kept chunks. A cache may lose what it holds: whatever the disk does is logged and told as a value, so that
/// chunks are passed on even when nothing can be kept.
/// </summary>
internal sealed partial class ChunkStore(Database database, TimeProvider time, ILogger<ChunkStore> logger)
{
    /// <summary>All rows, in their order. Throws <see cref="InvalidDataException"/> when they cannot be read.</summary>
    public async Task<IReadOnlyList<StoredChunk>> LoadAsync()
    {
        try
        {
            return await database.RunAsync(Load);
        }
        catch (SqliteException exception)
        {
            throw new InvalidDataException($"the chunks in the database cannot be read: {exception.Message}", exception);
        }
    }

    /// <summary>False: it is not on the disk.</summary>
    public Task<bool> TryWriteAsync(CachedChunk content, string channelId, byte[] data) => TryAsync(
        connection =>
        {
            using var command = connection.CreateCommand();
            command.CommandText = "INSERT INTO chunk_cache (id, chunk_id, channel_id, digest, cached_at, data) VALUES ($id, $chunk, $channel, $digest, $now, $data)";
            command.Parameters.AddWithValue("$id", content.Row);
            command.Parameters.AddWithValue("$chunk", content.Chunk.Id);
            command.Parameters.AddWithValue("$channel", channelId);
            command.Parameters.AddWithValue("$digest", content.Digest);
            command.Parameters.AddWithValue("$now", Now);
            command.Parameters.AddWithValue("$data", data);
            return command.ExecuteNonQuery() == 1;
        },
        "write");

    /// <summary>The JSON value, or null when the row is not there.</summary>
    public Task<byte[]?> TryReadAsync(CachedChunk content) => TryAsync(
        connection =>
        {
            using var command = connection.CreateCommand();
            command.CommandText = "SELECT data FROM chunk_cache WHERE id = $id";
            command.Parameters.AddWithValue("$id", content.Row);
            return (byte[]?)command.ExecuteScalar();
        },
        "read");

    /// <summary>Its life begins anew.</summary>
    public Task<bool> TryRefreshAsync(CachedChunk content) => TryAsync(
        connection =>
        {
            using var command = connection.CreateCommand();
            command.CommandText = "UPDATE chunk_cache SET cached_at = $now WHERE id = $id";
            command.Parameters.AddWithValue("$id", content.Row);
            command.Parameters.AddWithValue("$now", Now);
            return command.ExecuteNonQuery() == 1;
        },
        "refresh");

    public Task<bool> TryDeleteAsync(IReadOnlyList<long> rows) => TryAsync(
        connection =>
        {
            using var command = connection.CreateCommand();
            command.CommandText = "DELETE FROM chunk_cache WHERE id = $id";
            var id = command.Parameters.Add("$id", SqliteType.Integer);
            foreach (var row in rows)
            {
                id.Value = row;
                command.ExecuteNonQuery();
            }

            return true;
        },
        "delete");

    private long Now => time.GetUtcNow().ToUnixTimeMilliseconds();

    private List<StoredChunk> Load(SqliteConnection connection)
    {
        var now = Now;
        var rows = new List<StoredChunk>();
        using var command = connection.CreateCommand();
        command.CommandText = "SELECT id, chunk_id, channel_id, digest, length(data), cached_at FROM chunk_cache ORDER BY id";
        using var reader = command.ExecuteReader();
        while (reader.Read())
        {
            // A clock that was set back makes nothing younger than new.
            var age = TimeSpan.FromMilliseconds(Math.Max(0, now - reader.GetInt64(5)));
            rows.Add(new StoredChunk(reader.GetInt64(0), reader.GetString(1), reader.GetString(2), reader.GetString(3), reader.GetInt32(4), age));
        }

        return rows;
    }

    private async Task<T?> TryAsync<T>(Func<SqliteConnection, T> work, string what)
    {
        try
        {
            return await database.RunAsync(work);
        }
        catch (OperationCanceledException)
        {
            // The database is closed: the relay stops.
            return default;
        }
        catch (Exception exception)
        {
            Log.Failed(logger, exception, what);
            return default;
        }
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Error, "Could not {What} a kept chunk; it is served by its sources")]
        public static partial void Failed(ILogger logger, Exception exception, string what);
    }
}
