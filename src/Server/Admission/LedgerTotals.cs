using Relay.Addresses;

namespace Relay.Admission;

/// <summary>The ledger's totals.</summary>
/// <param name="Live">Client connections that count against limits.</param>
/// <param name="Uncounted">Client connections of unlimited networks, which do not.</param>
/// <param name="SubjectsHolding">People with at least one connection.</param>
/// <param name="Ceiling">What the process has capacity for.</param>
/// <param name="Refused">By <see cref="Refusal"/>.</param>
internal sealed record LedgerTotals(int Live, int Uncounted, int Peak, int KeysHolding, int SubjectsHolding, long Admitted, Ceiling Ceiling, IReadOnlyList<long> Refused)
{
    public long RefusedBy(Refusal refusal) => Refused[(int)refusal];
}

/// <summary>One address or network in the ledger. Times are of <see cref="TimeProvider.GetTimestamp"/>.</summary>
/// <param name="Live">Connections that count against limits.</param>
internal readonly record struct KeyTotals(IpKey Key, int Live)
{
    /// <summary>A network that addresses are counted in as well, or that stands in for them.</summary>
    public bool IsNetwork { get; init; }

    /// <summary>Connections from here that belong to an unlimited network.</summary>
    public int Uncounted { get; init; }

    public int Peak { get; init; }

    public long Admitted { get; init; }

    /// <summary>Refused; of a network all that came from inside it.</summary>
    public long Refused { get; init; }

    /// <summary>Of those the ones that the network's own limit refused.</summary>
    public long RefusedByNetwork { get; init; }

    /// <summary>Admitted, and the shadow limits would have refused.</summary>
    public long ShadowRefused { get; init; }

    /// <summary>0: unknown, because it holds only uncounted connections and its record has been forgotten.</summary>
    public long FirstSeen { get; init; }

    public long LastSeen { get; init; }

    /// <summary>Whose it is; null: an address's or a network's.</summary>
    public string? Name { get; init; }

    /// <summary>The person's own limit; 0: none.</summary>
    public int SubjectLimit { get; init; }
}

/// <summary>Where the shadow limits disagreed with the live ones.</summary>
/// <param name="Admits">Refused, and the shadow would have admitted.</param>
/// <param name="Refused">Admitted, and the shadow would have refused, by <see cref="Refusal"/>.</param>
internal sealed record ShadowTotals(long Admits, IReadOnlyList<long> Refused);
