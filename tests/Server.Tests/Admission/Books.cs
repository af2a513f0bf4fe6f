using Microsoft.Extensions.Time.Testing;
using Relay.Admission;

namespace Server.Tests.Admission;

/// <summary>A ledger with its policies and clock, and keys to use it with.</summary>
internal sealed class Books
{
    public Books(int total, int perIp, int remembered = 100)
    {
        var options = new AdmissionOptions { Total = total, PerIp = perIp, RememberedAddresses = remembered };
        Policies = new LimitPolicyStore(options);
        Ledger = new ConnectionLedger(Policies, options, Time);
    }

    public FakeTimeProvider Time { get; } = new();

    public LimitPolicyStore Policies { get; }

    public ConnectionLedger Ledger { get; }

    public static IpKey Key(int number) => new(0, (ulong)number, 32);

    public AdmissionLease Take(int key)
    {
        Assert.Equal(Refusal.None, Ledger.TryTake(Key(key), out var lease));
        return lease;
    }

    public Refusal Refused(int key)
    {
        var refusal = Ledger.TryTake(Key(key), out var lease);
        Assert.False(lease.IsHeld);
        return refusal;
    }

    public KeyTotals? Of(int key) => Ledger.Keys().Where(totals => totals.Key == Key(key)).Cast<KeyTotals?>().SingleOrDefault();
}
