using Google.Protobuf.WellKnownTypes;
using Relay.Addresses;
using Relay.AdminApi;
using Relay.Admission;

namespace Relay.Admin;

/// <summary>Decisions as messages of the contract.</summary>
internal static class DecisionMapper
{
    public static DecisionEntry Of(LoggedDecision logged, ConnectionLedger ledger)
    {
        var (near, far) = Tiers.NetworksOf(logged.Decision.Key);
        return new DecisionEntry
        {
            Sequence = logged.Sequence,
            Time = Timestamp.FromDateTimeOffset(logged.Time),
            Address = logged.Address.ToString(),
            Key = KeyOf(logged.Decision.Key, ledger),
            Outcome = Rejections.Outcome(logged.Decision.Refusal),
            Shadow = logged.Decision.HasShadow && logged.Decision.Shadow != logged.Decision.Refusal ? Rejections.Outcome(logged.Decision.Shadow) : "",
            Total = logged.Decision.Live.Total,
            Connections = logged.Decision.Live.Key,
            Near = logged.Decision.Live.Near,
            Far = logged.Decision.Live.Far,
            Suppressed = logged.Decision.Suppressed,
            TotalLimit = Limit(logged.Decision.Max.Total),
            ConnectionsLimit = Limit(logged.Decision.Max.Key),
            NearLimit = Limit(logged.Decision.Max.Near),
            FarLimit = Limit(logged.Decision.Max.Far),
            NearNetwork = near is { } one ? $"/{one.PrefixLength}" : "",
            FarNetwork = far is { } other ? $"/{other.PrefixLength}" : "",
        };
    }

    /// <summary>What is counted, in words: a person by his name while he is remembered.</summary>
    public static string KeyOf(IpKey key, ConnectionLedger ledger) => key.IsSubject && ledger.FindSubject(key) is { } subject ? $"subject {subject.Name}" : key.ToString();

    private static int Limit(int limit) => limit == int.MaxValue ? 0 : limit;
}
