using System.Text.Json;
using Relay.Native;

namespace Relay.Federation;

/// <summary>
/// What is kept of other servers while the relay is stopped: those it had a link with, the newest 1,000, and those an operator has
/// blocked. A block is on the disk when <see cref="Block"/> returns; the known servers follow within seconds. Thread-safe.
/// </summary>
internal sealed class PeerBook
{
    public const int MaxKnown = 1000;
    public const int MaxBlocked = 1000;

    public static readonly TimeSpan SaveInterval = TimeSpan.FromSeconds(5);

    // A full book has less than one.
    private const int MaxBytes = 4 * 1024 * 1024;
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private readonly string _path;
    private readonly TimeProvider _time;
    private readonly Lock _lock = new();

    // Serialises the writes; never taken by who only asks.
    private readonly Lock _file = new();

    // Guarded by _lock.
    private readonly Dictionary<string, KnownServer> _known;
    private Dictionary<string, BlockedServer> _blocked;
    private bool _isChanged;

    /// <summary>Throws <see cref="InvalidDataException"/> when there is a file that cannot be used.</summary>
    public PeerBook(FederationOptions options, TimeProvider time)
    {
        (_path, _time) = (options.PeersFile, time);
        var pages = options.IsOn ? Load(_path) : new PeerPages([], []);
        _known = pages.Known.ToDictionary(server => server.ServerId, StringComparer.Ordinal);
        _blocked = pages.Blocked.ToDictionary(server => server.ServerId, StringComparer.Ordinal);
    }

    public IReadOnlyList<KnownServer> Known()
    {
        lock (_lock)
        {
            return [.. _known.Values.OrderBy(server => server.ServerId, StringComparer.Ordinal)];
        }
    }

    public IReadOnlyList<BlockedServer> Blocked()
    {
        lock (_lock)
        {
            return [.. _blocked.Values.OrderBy(server => server.ServerId, StringComparer.Ordinal)];
        }
    }

    public bool IsBlocked(string serverId)
    {
        lock (_lock)
        {
            return _blocked.ContainsKey(serverId);
        }
    }

    /// <summary>There is a link with this server, and its endpoint may be dialled.</summary>
    public void Remember(string serverId, string endpoint, string region)
    {
        lock (_lock)
        {
            _known[serverId] = new KnownServer(serverId, endpoint, region, _time.GetUtcNow());
            if (_known.Count > MaxKnown)
            {
                _known.Remove(_known.Values.MinBy(server => server.LinkedAt)!.ServerId);
            }

            _isChanged = true;
        }
    }

    /// <summary>False: it was not known.</summary>
    public bool Forget(string serverId)
    {
        lock (_lock)
        {
            var was = _known.Remove(serverId);
            _isChanged |= was;
            return was;
        }
    }

    /// <summary>Blocks a server; false: there are too many. Throws as files do, and then it is not blocked.</summary>
    public bool Block(string serverId, string reason, string by) => Change(blocked =>
    {
        blocked[serverId] = new BlockedServer(serverId, reason, by, _time.GetUtcNow());
        return blocked.Count <= MaxBlocked;
    });

    /// <summary>False: it was not blocked. Throws as files do, and then it still is.</summary>
    public bool Unblock(string serverId) => Change(blocked => blocked.Remove(serverId));

    /// <summary>Writes the file if anything has changed. Throws as files do; the next call tries again.</summary>
    public void Save()
    {
        lock (_file)
        {
            PeerPages pages;
            lock (_lock)
            {
                if (!_isChanged)
                {
                    return;
                }

                pages = new PeerPages([.. _known.Values], [.. _blocked.Values]);
                _isChanged = false;
            }

            TryWrite(pages);
        }
    }

    private bool Change(Func<Dictionary<string, BlockedServer>, bool> change)
    {
        lock (_file)
        {
            PeerPages pages;
            Dictionary<string, BlockedServer> blocked;
            lock (_lock)
            {
                blocked = new Dictionary<string, BlockedServer>(_blocked, StringComparer.Ordinal);
                if (!change(blocked))
                {
                    return false;
                }

                pages = new PeerPages([.. _known.Values], [.. blocked.Values]);
                _isChanged = false;
            }

            TryWrite(pages);
            lock (_lock)
            {
                _blocked = blocked;
            }

            return true;
        }
    }

    private void TryWrite(PeerPages pages)
    {
        try
        {
            Write(pages);
        }
        catch
        {
            lock (_lock)
            {
                _isChanged = true;
            }

            throw;
        }
    }

    private void Write(PeerPages pages)
    {
        var path = Path.GetFullPath(_path);
        var folder = Path.GetDirectoryName(path)!;
        Directory.CreateDirectory(folder);
        var temporary = $"{path}.new";
        using (var file = new FileStream(temporary, new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write, UnixCreateMode = OwnerOnly }))
        {
            JsonSerializer.Serialize(file, pages, PeerJson.Default.PeerPages);
            file.Flush(flushToDisk: true);
        }

        File.Move(temporary, path, overwrite: true);
        FileSystem.FlushFolder(folder);
    }

    private static PeerPages Load(string path)
    {
        try
        {
            if (!File.Exists(path))
            {
                return new PeerPages([], []);
            }

            var pages = new FileInfo(path).Length <= MaxBytes
                ? JsonSerializer.Deserialize(File.ReadAllBytes(path), PeerJson.Default.PeerPages) ?? throw Unusable(path, "it holds nothing")
                : throw Unusable(path, "it is too large");
            return new PeerPages(
                [.. pages.Known.DistinctBy(server => server.ServerId).OrderByDescending(server => server.LinkedAt).Take(MaxKnown)],
                [.. pages.Blocked.DistinctBy(server => server.ServerId)]);
        }
        catch (Exception exception) when (exception is JsonException or IOException or UnauthorizedAccessException)
        {
            throw Unusable(path, exception.Message, exception);
        }
    }

    private static InvalidDataException Unusable(string path, string why, Exception? inner = null) => new(
        $"The file of peer servers '{path}' cannot be used: {why}. Put it back from a backup, or move it away: then no server is known or blocked any more.", inner);
}

/// <summary>A server that this relay had a link with, and when.</summary>
internal sealed record KnownServer(string ServerId, string Endpoint, string Region, DateTimeOffset LinkedAt);

/// <summary>A server that an operator has blocked.</summary>
internal sealed record BlockedServer(string ServerId, string Reason, string By, DateTimeOffset Since);

/// <summary>What the file holds.</summary>
internal sealed record PeerPages(IReadOnlyList<KnownServer> Known, IReadOnlyList<BlockedServer> Blocked);
