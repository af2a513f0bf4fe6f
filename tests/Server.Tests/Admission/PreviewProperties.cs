using CsCheck;
using Microsoft.Extensions.Logging.Abstractions;
using Relay.Addresses;
using Relay.Admission;
using Relay.Events;
using Relay.Policy;
using Relay.Scheduling;
using Relay.Telemetry;
using Server.Tests.Support;

namespace Server.Tests.Admission;

/// <summary>What explain says of a connection is what the next connection gets, whatever the policy, the bans, the counts and the tables are.</summary>
public sealed class PreviewProperties
{
    private static readonly (string Path, string?[] Texts)[] Items =
    [
        ("total", ["3", "6", "20"]),
        ("per-ip", ["1", "2", "3"]),
        ("per-24", ["off", "2x", "3"]),
        ("per-56", ["off", "2x"]),
        ("per-48", ["off", "3x"]),
        ("rate-per-ip", ["off", "1/s burst 2", "1/m burst 1"]),
        ("rate-total", ["off", "1/s burst 3"]),
        ("override/0.0.1.0/24", ["deny", "unlimited", "4", null]),
        ("override/0.0.1.1", ["unlimited", "1", null]),
        ("override/2001:db8::/48", ["deny", "unlimited", "3", null]),
        ("ban/0.0.2.0/24", ["forever testing", null]),
        ("ban/0.0.1.1", ["forever", null]),
        ("unresolved", ["total-only", "refuse"]),
        ("unresolved-limit", ["1", "2"]),
    ];

    private static readonly string[] Levels = ["auto", "auto", "normal", "elevated", "critical"];

    private static readonly IpKey[] Addresses =
    [
        .. from network in new[] { 1, 2, 3 } from host in new[] { 1, 2, 3 } select IpKey.FromIpv4((uint)((network << 8) + host)),
        .. from site in new ulong[] { 0, 1 } from subnet in new ulong[] { 0, 1, 0x100 } select IpKey.FromIpv6(0x2001_0DB8_0000_0000UL + (site << 16) + subnet, 1),
        IpKey.Unresolved,
    ];

    [Fact]
    public void AnyState_ThePreview_IsWhatTheNextConnectionGets() =>
        Gen.Select(
            Gen.Select(Gen.Int[0, 19], Gen.Int[0, Addresses.Length - 1], Gen.Int[0, Items.Length - 1], Gen.Int[0, 11]).Array[0, 100],
            Gen.Int[2, 8],
            Gen.Bool).Sample((operations, remembered, byStatus) =>
        {
            using var relay = new Relay(remembered, byStatus ? RejectionMode.HttpStatus : RejectionMode.CloseFrame);
            foreach (var (what, who, item, number) in operations)
            {
                relay.Step(what, Addresses[who], Items[item], number);
            }
        }, iter: 2_000);

    private sealed class Relay : IDisposable
    {
        private readonly RelayMetrics _metrics = new();
        private readonly OverloadMonitor _overload;
        private readonly PeriodicWork _ticking;
        private readonly Books _books;
        private readonly AutoBans _bans;
        private readonly AdmissionGate _gate;
        private readonly List<AdmissionLease> _leases = [];

        public Relay(int remembered, RejectionMode mode)
        {
            _books = new Books(total: 6, perIp: 2, remembered, options => (options.RejectionMode, options.ConnectRatePerIp) = (mode, "1/m burst 2"));
            (_books.Overload.ElevatedPerIp, _books.Overload.CriticalPerIp) = (2, 4);
            (_books.Overload.ElevatedTotal, _books.Overload.CriticalTotal) = (5, 9);
            var networks = new ProtectedNetworks(["0.0.3.0/24"]);
            _bans = new AutoBans(new AutoBanOptions { Threshold = 12, PrivateNetworks = true }, networks, new RelayEvents(_books.Time), _books.Time);
            _overload = new OverloadMonitor(_books.Ledger, _books.Policies, _books.Overload, new RelayEvents(_books.Time), _books.Time, NullLogger<OverloadMonitor>.Instance, () => TimeSpan.Zero);
            _ticking = Ticking.Start(_books.Time, OverloadMonitor.Interval, _overload.Sample);
            _gate = new AdmissionGate(
                _books.Ledger, _books.Policies, _books.Options, _bans, networks, _overload, new DecisionLog(_books.Time), _metrics, _books.Time);
        }

        public void Step(int what, IpKey address, (string Path, string?[] Texts) item, int number)
        {
            switch (what)
            {
                case < 11:
                    Connect(address);
                    break;
                case < 14 when _leases.Count > 0:
                    _leases[number % _leases.Count].Dispose();
                    _leases.RemoveAt(number % _leases.Count);
                    break;
                case 14:
                    _books.Time.Advance(TimeSpan.FromMilliseconds(300 * number));
                    break;
                case 15 or 16:
                    _books.Change(($"{(what == 16 ? "shadow/" : "")}{item.Path}", item.Texts[number % item.Texts.Length]));
                    break;
                case 17:
                    _books.Change(("overload-level", Levels[number % Levels.Length]));
                    break;
                case 18:
                    _ = number < 4 ? _gate.State.TryDrain() : _gate.State.TryCancelDrain();
                    break;
                case 19:
                    _books.Ledger.SetCeiling(byFiles: number < 3 ? number + 2 : 1_000);
                    break;
            }
        }

        public void Dispose()
        {
            _ticking.Dispose();
            _metrics.Dispose();
        }

        private void Connect(IpKey address)
        {
            var preview = _gate.Preview(address, isKnownEarly: true);
            if (_gate.TryRejectEarly(address))
            {
                Assert.Equal(RejectionMode.Reset, preview.Mode);
                return;
            }

            var decision = _gate.TryAdmit(address, out var lease);
            if (lease.IsHeld)
            {
                _leases.Add(lease);
            }

            Assert.Equal(
                (decision.Refusal, decision.Key, decision.Live, decision.HasShadow),
                (preview.Refusal, preview.Input.Key, preview.Input.Local, preview.Shadow is not null));
            Assert.Equal(decision.Shadow, preview.Shadow ?? Refusal.None);
            RejectionMode? mode = decision.Refusal == Refusal.None
                ? null
                : Rejections.ModeOf(decision.Refusal, decision.OverloadLevel, _books.Options.RejectionMode);
            Assert.Equal(mode, preview.Mode);
            Assert.Equal(decision.Wait > TimeSpan.Zero, decision.Refusal is Refusal.RatePerIp or Refusal.RateTotal);
            Assert.Equal(
                decision.Refusal is Refusal.TotalLimit or Refusal.Ceiling or Refusal.PerIpLimit or Refusal.UnresolvedLimit or Refusal.Per24Limit or Refusal.Per56Limit or Refusal.Per48Limit,
                decision.Refusal != Refusal.None && preview.Trace.Rows.FirstOrDefault(row => row.IsReached)?.Name == NameOf(decision.Refusal));
        }

        private static string NameOf(Refusal refusal) => refusal switch
        {
            Refusal.TotalLimit => "total",
            Refusal.Ceiling => "ceiling",
            Refusal.Per24Limit => "/24",
            Refusal.Per56Limit => "/56",
            Refusal.Per48Limit => "/48",
            Refusal.PerIpLimit or Refusal.UnresolvedLimit => "address",
            _ => "",
        };
    }
}
