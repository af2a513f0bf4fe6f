using Relay.Dashboard.Live;

namespace Relay.Dashboard.Security;

/// <summary>One operator who is logged in: the relays that he can look at, called with his credentials and nobody else's.</summary>
internal sealed class DashboardSession(string id, IReadOnlyList<RelayLink> relays, long createdAt) : IDisposable
{
    // Never disposed: a page may ask after the end, and it holds nothing but a flag.
    private readonly CancellationTokenSource _ended = new();

    public string Id => id;

    public IReadOnlyList<RelayLink> Relays => relays;

    /// <summary>A timestamp of the clock.</summary>
    public long CreatedAt => createdAt;

    /// <summary>Cancelled when the operator has logged out, or his time is over.</summary>
    public CancellationToken Ended => _ended.Token;

    public void Dispose()
    {
        _ended.Cancel();
        foreach (var relay in relays)
        {
            relay.Dispose();
        }
    }
}
