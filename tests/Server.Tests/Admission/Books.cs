using Microsoft.Extensions.Time.Testing;
using Relay.Addresses;
using Relay.Admission;
using Relay.Policy;

namespace Server.Tests.Admission;

/// <summary>A ledger with its policies and clock, and keys to use it with.</summary>
internal sealed class Books
{
    public Books(int total, int perIp, int remembered = 100, Action<AdmissionOptions>? configure = null, Func<TimeProvider, RemoteCounts>? remote = null)
    {
        Remote = remote?.Invoke(Time);
        Options = new AdmissionOptions
        {
            Total = total,
            PerIp = perIp,
            ConnectRatePerIp = "off",
            ConnectRateTotal = "off",
        };
        configure?.Invoke(Options);
        Policies = new LimitPolicyStore(Options, Time);
        Ledger = new ConnectionLedger(Policies, Options, Overload, Time, remembered, Remote);
    }

    public AdmissionOptions Options { get; }

    public OverloadOptions Overload { get; } = new();

    public FakeTimeProvider Time { get; } = new();

    /// <summary>What other nodes hold; null: there are none.</summary>
    public RemoteCounts? Remote { get; }

    public LimitPolicyStore Policies { get; }

    public ConnectionLedger Ledger { get; }

    public static IpKey Key(int number) => new(0, (ulong)number, 32);

    public AdmissionLease Take(int key)
    {
        Assert.Equal(Refusal.None, Ledger.TryAcquire(Key(key), Time.GetTimestamp(), out var lease).Refusal);
        return lease;
    }

    public Refusal Refused(int key)
    {
        var refusal = Ledger.TryAcquire(Key(key), Time.GetTimestamp(), out var lease).Refusal;
        Assert.False(lease.IsHeld);
        return refusal;
    }

    public void Change(params (string Path, string? Text)[] edits) => Assert.Empty(
        Policies.ChangeAsync(new PolicyChange(edits.ToDictionary(edit => edit.Path, edit => edit.Text), "test")).GetAwaiter().GetResult().Errors);

    public KeyTotals? Of(int key) => Ledger.Snapshot().Keys().Where(totals => totals.Key == Key(key)).Cast<KeyTotals?>().SingleOrDefault();
}
