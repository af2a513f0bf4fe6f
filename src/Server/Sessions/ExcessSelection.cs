using Relay.Addresses;
using Relay.Admission;

namespace Relay.Sessions;

/// <summary>Which sockets go when limits are lowered below what is connected.</summary>
internal static class ExcessSelection
{
    /// <summary>
    /// As few as it takes for every limit to hold: first of each address above its own, then of each network, then of all.
    /// Within each those idle the longest, or those connected last, go first.
    /// </summary>
    public static IReadOnlyList<Session> Choose(IEnumerable<Session> sessions, PolicyEffect effect, bool newest)
    {
        var order = newest
            ? sessions.OrderByDescending(session => session.ConnectedAt).ToList()
            : sessions.OrderBy(session => session.LastMessage).ToList();
        var chosen = new HashSet<Session>();

        // Who is counted by name frees nothing of his address.
        var byAddress = order.Where(session => session.Subject is not { IsUnlimited: true }).ToList();
        var byKey = byAddress.ToLookup(session => session.Key);

        // Addresses before the networks that hold them.
        foreach (var over in effect.Over.OrderByDescending(over => over.Key.PrefixLength))
        {
            var members = over.IsNetwork ? byAddress.Where(session => new IpPrefix(over.Key).Contains(session.Key)) : byKey[over.Key];
            Take(members, over.Excess);
        }

        Take(order, effect.TotalOver);
        return [.. chosen];

        void Take(IEnumerable<Session> candidates, int excess)
        {
            var members = candidates.ToList();
            foreach (var session in members.Where(session => !chosen.Contains(session)).Take(excess - members.Count(chosen.Contains)).ToList())
            {
                chosen.Add(session);
            }
        }
    }
}
