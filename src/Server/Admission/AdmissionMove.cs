using Relay.Protocol.Moving;

namespace Relay.Admission;

/// <summary>What is known of addresses, whoever is connected: how fast they connect, what they did wrong, their automatic bans.</summary>
internal sealed class AdmissionMove(ConnectionLedger ledger, AutoBans bans) : IMovable
{
    public void Write(Departure departure)
    {
        foreach (var rate in ledger.SaveRates(departure.Time))
        {
            departure.Write(new MovedPart { Rate = rate });
        }

        foreach (var violations in bans.Save(departure.Time))
        {
            departure.Write(new MovedPart { Violations = violations });
        }
    }

    public bool TryRead(MovedPart part, Arrivals arrivals)
    {
        if (part.Violations is { } violations)
        {
            bans.Restore(violations, arrivals.Time);
            return true;
        }

        return part.Rate is { } rate && ledger.TryRestore(rate, arrivals.Time);
    }
}
