using Relay.Addresses;
using Relay.RateLimiting;

namespace Relay.Clients;

/// <summary>
/// Names whose sockets are gone and that are kept for their keys a while, so that nobody takes the name of a client that
/// reconnects. All are held equally long. Not thread-safe; the directory guards it.
/// </summary>
internal sealed class HeldNames(ClientOptions options, TimeProvider time)
{
    private readonly Dictionary<string, HeldName> _names = new(StringComparer.Ordinal);
    private readonly LinkedList<HeldName> _byAge = [];
    private readonly FairPool<HeldName> _shares = new();

    public int Count => _names.Count;

    /// <summary>All of them, the oldest first.</summary>
    public IEnumerable<(string Name, string Key, IpKey Address, long Since)> All =>
        _byAge.Select(held => (held.Name, held.Key, held.OfAddress!.Value.Holder, held.Since));

    public void Hold(string name, string key, IpKey address) => Hold(name, key, address, time.GetTimestamp());

    /// <summary>The same since a moment that is no earlier than any before.</summary>
    public void Hold(string name, string key, IpKey address, long since)
    {
        Expire();
        if (options.NameHold == TimeSpan.Zero)
        {
            return;
        }

        Free(name);
        var held = new HeldName(name, key, since);
        held.OfAll = _byAge.AddLast(held);
        held.OfAddress = _shares.Add(address, 1, held);
        _names.Add(name, held);
        if (_names.Count > options.MaxHeldNames)
        {
            Remove(_shares.Surplus(held.OfAddress).First!.Value.Item);
        }
    }

    /// <summary>True when the name is kept for another key than this; null: none.</summary>
    public bool IsHeldForAnother(string name, string? key)
    {
        Expire();
        return _names.TryGetValue(name, out var held) && held.Key != key;
    }

    /// <summary>Somebody has it now.</summary>
    public void Free(string name)
    {
        if (_names.TryGetValue(name, out var held))
        {
            Remove(held);
        }
    }

    private void Expire()
    {
        while (_byAge.First is { } oldest && time.GetElapsedTime(oldest.Value.Since) >= options.NameHold)
        {
            Remove(oldest.Value);
        }
    }

    private void Remove(HeldName held)
    {
        _names.Remove(held.Name);
        _byAge.Remove(held.OfAll!);
        _shares.Remove(held.OfAddress!);
    }

    private sealed class HeldName(string name, string key, long since)
    {
        public string Name => name;

        public string Key => key;

        public long Since => since;

        public LinkedListNode<HeldName>? OfAll { get; set; }

        public LinkedListNode<Held<HeldName>>? OfAddress { get; set; }
    }
}
