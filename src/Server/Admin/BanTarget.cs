using Relay.Addresses;
using Relay.Policy;
using Relay.Sessions;

namespace Relay.Admin;

/// <summary>Whom a ban keeps out: a network, or a person.</summary>
/// <param name="Subject">Null: a network.</param>
internal readonly record struct BanTarget(IpPrefix Network, string? Subject = null)
{
    /// <summary>The policy's item.</summary>
    public string Path => Subject is null ? PolicyItems.Ban + Network : PolicyItems.SubjectBan + Subject;

    /// <summary>Reads a request, which names one of the two. What is wrong is appended to <paramref name="errors"/>.</summary>
    public static BanTarget Read(string network, string subject, List<(string, string)> errors)
    {
        if (subject.Length > 0)
        {
            var error = network.Length > 0 ? "give a network or a subject, not both" : SubjectName.Check(subject);
            if (error is not null)
            {
                errors.Add(("subject", error));
            }

            return new BanTarget(default, subject);
        }

        if (!IpPrefix.TryParse(network, out var prefix, out var wrong))
        {
            errors.Add(("network", wrong));
        }

        return new BanTarget(prefix);
    }

    /// <summary>The target of an item of the policy; null: it is no ban.</summary>
    public static BanTarget? OfPath(string path) =>
        path.StartsWith(PolicyItems.SubjectBan, StringComparison.Ordinal) ? new BanTarget(default, path[PolicyItems.SubjectBan.Length..])
        : path.StartsWith(PolicyItems.Ban, StringComparison.Ordinal) && IpPrefix.TryParse(path[PolicyItems.Ban.Length..], out var network, out _) ? new BanTarget(network)
        : null;

    /// <summary>True when the ban of this target includes all that the other one's keeps out.</summary>
    public bool Contains(BanTarget other) => Subject is null ? other.Subject is null && Network.Contains(other.Network) : Subject == other.Subject;

    public bool Matches(Session session) => Subject is null ? Network.Contains(session.Address) : session.Subject?.Name == Subject;

    public override string ToString() => Subject is null ? Network.ToString() : $"subject {Subject}";
}
