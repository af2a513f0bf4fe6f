using System.Diagnostics.CodeAnalysis;
using Relay.Addresses;
using Relay.RateLimiting;

namespace Relay.Attestation;

/// <summary>A request to the authority that is in progress.</summary>
[SuppressMessage("Design", "CA1001", Justification = "Whoever displaces it may be later than its end; without a timer there is nothing to dispose.")]
internal sealed class AuthorityPlace
{
    private readonly CancellationTokenSource _displaced = new();

    /// <summary>Cancelled when another address's request was given the place.</summary>
    public CancellationToken Displaced => _displaced.Token;

    /// <summary>Guarded by the places.</summary>
    public LinkedListNode<Held<AuthorityPlace>>? Node { get; set; }

    public void Displace() => _displaced.Cancel();
}

/// <summary>
/// Bounds the requests to the authority. When all places are taken, the oldest request of whichever address has most is ended for one
/// of an address that has fewer: a slow authority and one client that asks much must not fail everybody's attestation.
/// </summary>
internal sealed class AuthorityPlaces(int max)
{
    private readonly Lock _lock = new();

    // Guarded by _lock.
    private readonly FairPool<AuthorityPlace> _pool = new();

    public int Count
    {
        get
        {
            lock (_lock)
            {
                return _pool.Count;
            }
        }
    }

    /// <summary>A place, to be given back by <see cref="Leave"/>; null when all are taken and no address has more than this one would.</summary>
    public AuthorityPlace? TryEnter(IpKey address)
    {
        var place = new AuthorityPlace();
        AuthorityPlace? displaced = null;
        lock (_lock)
        {
            place.Node = _pool.Add(address, 1, place);
            if (_pool.Count > max)
            {
                var oldest = _pool.Surplus(place.Node).First!;
                if (oldest.Value.Holder == address)
                {
                    _pool.Remove(place.Node);
                    return null;
                }

                _pool.Remove(oldest);
                displaced = oldest.Value.Item;
            }
        }

        displaced?.Displace();
        return place;
    }

    /// <summary>Gives a place back; nothing when another has it.</summary>
    public void Leave(AuthorityPlace place)
    {
        lock (_lock)
        {
            _pool.Remove(place.Node!);
        }
    }
}
