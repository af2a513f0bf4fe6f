using Relay.Protocol;

namespace Relay.Federation;

/// <summary>
/// Handshakes that were accepted and could still pass as fresh. Bounded in total and per server; when it is full new connections
/// wait, for an entry that is dropped early is a handshake that works twice.
/// </summary>
internal sealed class ReplayCache(FederationOptions options, TimeProvider time)
{
    public const int Capacity = 4096;

    /// <summary>So that one server that reconnects in a loop cannot keep the others out.</summary>
    public const int CapacityPerServer = 256;

    // A timestamp may be as far ahead of us as behind us.
    private readonly TimeSpan _lifetime = options.Freshness * 2;
    private readonly Lock _lock = new();

    // Guarded by _lock. The queue is in the order of deadlines.
    private readonly Queue<(string Signature, string ServerId, long Since)> _entries = [];
    private readonly HashSet<string> _signatures = new(StringComparer.Ordinal);
    private readonly Dictionary<string, int> _perServer = new(StringComparer.Ordinal);

    /// <summary>Remembers a signature that was verified; returns the reason when it is known already or the cache is full.</summary>
    public CloseReason TryAdd(string serverId, ReadOnlySpan<byte> signature)
    {
        var text = Convert.ToBase64String(signature);
        lock (_lock)
        {
            Expire();
            if (_signatures.Contains(text))
            {
                return CloseReason.HandshakeReplayed;
            }

            var ofServer = _perServer.GetValueOrDefault(serverId);
            if (_entries.Count >= Capacity || ofServer >= CapacityPerServer)
            {
                return CloseReason.PeerLimit;
            }

            _signatures.Add(text);
            _perServer[serverId] = ofServer + 1;
            _entries.Enqueue((text, serverId, time.GetTimestamp()));
            return CloseReason.None;
        }
    }

    private void Expire()
    {
        while (_entries.TryPeek(out var oldest) && time.GetElapsedTime(oldest.Since) > _lifetime)
        {
            _entries.Dequeue();
            _signatures.Remove(oldest.Signature);
            if (--_perServer[oldest.ServerId] == 0)
            {
                _perServer.Remove(oldest.ServerId);
            }
        }
    }
}
