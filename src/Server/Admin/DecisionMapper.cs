using Google.Protobuf.WellKnownTypes;
using Relay.AdminApi;
using Relay.Admission;
using Relay.Policy;

namespace Relay.Admin;

/// <summary>Decisions as messages of the contract.</summary>
internal static class DecisionMapper
{
    public static string Outcome(Refusal refusal) => refusal == Refusal.None ? "admitted" : RefusalReasons.Label(refusal);

    public static DecisionEntry Of(LoggedDecision logged) => new()
    {
        Sequence = logged.Sequence,
        Time = Timestamp.FromDateTimeOffset(logged.Time),
        Address = logged.Address.ToString(),
        Key = logged.Decision.Key.ToString(),
        Outcome = Outcome(logged.Decision.Refusal),
        Shadow = logged.Decision.HasShadow && logged.Decision.Shadow != logged.Decision.Refusal ? Outcome(logged.Decision.Shadow) : "",
        Total = logged.Decision.Live.Total,
        Connections = logged.Decision.Live.Key,
        Near = logged.Decision.Live.Near,
        Far = logged.Decision.Live.Far,
        Suppressed = logged.Decision.Suppressed,
    };
}
