using Relay.Addresses;
using Relay.Policy;

namespace Relay.Admission;

/// <summary>What the ledger says in all.</summary>
/// <param name="Live">Client sockets that count.</param>
/// <param name="Uncounted">Client sockets of unlimited networks, which do not.</param>
/// <param name="Ceiling">What the process has room for.</param>
/// <param name="Refused">By <see cref="Refusal"/>.</param>
internal sealed record LedgerTotals(int Live, int Uncounted, int Peak, int KeysHolding, long Admitted, Ceiling Ceiling, IReadOnlyList<long> Refused)
{
    public long RefusedBy(Refusal refusal) => Refused[(int)refusal];
}

/// <summary>What the ledger says of one key. Times are of <see cref="TimeProvider.GetTimestamp"/>.</summary>
internal readonly record struct KeyTotals(
    IpKey Key, int Live, int Peak, long Admitted, long Refused, long ShadowRefused, long FirstSeen, long LastSeen);

/// <summary>Where the shadow limits disagreed with the live ones.</summary>
/// <param name="Admits">Refused, and the shadow would have admitted.</param>
/// <param name="Refused">Admitted, and the shadow would have refused, by <see cref="Refusal"/>.</param>
internal sealed record ShadowTotals(long Admits, IReadOnlyList<long> Refused);
