using Relay.Addresses;
using Relay.RateLimiting;

namespace Relay.Federation;

/// <summary>
/// Handshakes that were accepted and could still pass as fresh. Nobody is refused for its being full: it forgets the oldest of
/// whichever address has most, which may work twice then. Who wants another's handshake forgotten cannot bring that about.
/// </summary>
internal sealed class ReplayCache(FederationOptions options, TimeProvider time)
{
    // A timestamp may be as far ahead of us as behind us.
    private readonly TimeSpan _lifetime = options.Freshness * 2;
    private readonly Lock _lock = new();

    // Guarded by _lock. The list is in the order of deadlines.
    private readonly Dictionary<string, LinkedListNode<Handshake>> _signatures = new(StringComparer.Ordinal);
    private readonly LinkedList<Handshake> _byAge = [];
    private readonly FairPool<string> _addresses = new();

    public int Count
    {
        get
        {
            lock (_lock)
            {
                return _signatures.Count;
            }
        }
    }

    /// <summary>Remembers a signature that was verified and that came from this address; false when it is known already.</summary>
    public bool TryAdd(IpKey address, ReadOnlySpan<byte> signature)
    {
        var text = Convert.ToBase64String(signature);
        lock (_lock)
        {
            Expire();
            if (_signatures.ContainsKey(text))
            {
                return false;
            }

            var share = _addresses.Add(address, 1, text);
            _signatures.Add(text, _byAge.AddLast(new Handshake(text, share, time.GetTimestamp())));
            if (_signatures.Count > options.MaxReplays)
            {
                // Where nobody has more than one, the one that is nearest to its end.
                var oldest = _addresses.Surplus(share).First!;
                Remove(oldest == share ? _byAge.First! : _signatures[oldest.Value.Item]);
            }

            return true;
        }
    }

    private void Expire()
    {
        while (_byAge.First is { } oldest && time.GetElapsedTime(oldest.Value.Since) > _lifetime)
        {
            Remove(oldest);
        }
    }

    private void Remove(LinkedListNode<Handshake> node)
    {
        _byAge.Remove(node);
        _signatures.Remove(node.Value.Signature);
        _addresses.Remove(node.Value.Share);
    }

    private readonly record struct Handshake(string Signature, LinkedListNode<Held<string>> Share, long Since);
}
