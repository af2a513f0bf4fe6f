using System.Buffers.Text;
using System.Security.Cryptography;
using Relay.Dashboard.Live;

namespace Relay.Dashboard.Security;

/// <summary>Who is logged in. Tokens stay in this process's memory: a browser has no more than a random name for its session.</summary>
internal sealed class SessionStore(DashboardSettings settings, TimeProvider clock) : IDisposable
{
    /// <summary>Of a team's operators; whoever comes then takes the place of who has been here longest.</summary>
    public const int Max = 100;

    /// <summary>After this time a team's operator logs in again.</summary>
    public static readonly TimeSpan Lifetime = TimeSpan.FromHours(12);

    private readonly Lock _lock = new();
    private readonly Dictionary<string, DashboardSession> _sessions = [];

    /// <summary>The one operator of a dashboard on loopback, with the credentials of this process.</summary>
    public DashboardSession CreateOwn() => Add([.. settings.Relays.Select(relay => RelayLink.Open(relay, settings, token: null))]);

    /// <summary>An operator whose token the relay knows.</summary>
    public DashboardSession Create(RelayLink link) => Add([link]);

    /// <summary>Null: there is none, or its time is over.</summary>
    public DashboardSession? Find(string? id)
    {
        lock (_lock)
        {
            RemoveExpired();
            return id is null ? null : _sessions.GetValueOrDefault(id);
        }
    }

    public void Remove(string? id)
    {
        lock (_lock)
        {
            if (id is not null && _sessions.Remove(id, out var session))
            {
                session.Dispose();
            }
        }
    }

    public void Dispose()
    {
        lock (_lock)
        {
            foreach (var session in _sessions.Values)
            {
                session.Dispose();
            }

            _sessions.Clear();
        }
    }

    private DashboardSession Add(IReadOnlyList<RelayLink> relays)
    {
        var session = new DashboardSession(Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(32)), relays, clock.GetTimestamp());
        lock (_lock)
        {
            RemoveExpired();
            if (_sessions.Count >= Max)
            {
                var oldest = _sessions.Values.MinBy(other => other.CreatedAt)!;
                _sessions.Remove(oldest.Id);
                oldest.Dispose();
            }

            _sessions[session.Id] = session;
        }

        return session;
    }

    private void RemoveExpired()
    {
        if (!settings.IsForTeam)
        {
            return;
        }

        foreach (var session in _sessions.Values.Where(session => clock.GetElapsedTime(session.CreatedAt) > Lifetime).ToList())
        {
            _sessions.Remove(session.Id);
            session.Dispose();
        }
    }
}
