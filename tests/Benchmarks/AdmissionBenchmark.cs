using BenchmarkDotNet.Attributes;
using Microsoft.Extensions.Logging.Abstractions;
using Relay.Addresses;
using Relay.Admission;
using Relay.Events;
using Relay.Policy;
using Relay.Telemetry;

namespace Relay.Benchmarks;

/// <summary>
/// What does it cost to decide? Target: admit and release under 200 ns and 0 bytes, uncontended. On a machine that others
/// use as well the fastest of several runs says more than their mean.
/// </summary>
[MemoryDiagnoser]
[MinColumn]
[SimpleJob(warmupCount: 5, iterationCount: 15)]
public class AdmissionBenchmark
{
    private const int Operations = 100_000;

    private readonly AdmissionGate _gate = Gate(total: 10_000);
    private readonly AdmissionGate _full = Gate(total: 1);
    private readonly IpKey[] _keys =
        [.. Enumerable.Range(0, 1024).Select(i => IpKey.From(new System.Net.IPAddress((uint)(i * 7919) + 0x0A000000u), 64))];

    private int _next;

    [GlobalSetup]
    public void Setup() => _full.TryAdmit(_keys[0], out _);

    [Benchmark(Baseline = true)]
    public void AdmitAndRelease()
    {
        if (_gate.TryAdmit(_keys[_next++ & 1023], out var lease).Refusal != Refusal.None)
        {
            throw new InvalidOperationException("It was to be admitted.");
        }

        lease.Dispose();
    }

    [Benchmark]
    public bool Refuse() => _full.TryAdmit(_keys[_next++ & 1023], out _).Refusal == Refusal.None;

    /// <summary>Two threads at once, each its own keys; the figure is per decision of one thread.</summary>
    [Benchmark(OperationsPerInvoke = Operations)]
    public void AdmitAndReleaseTwoThreads() => Parallel.For(
        0,
        2,
        new ParallelOptions { MaxDegreeOfParallelism = 2 },
        thread =>
        {
            for (var i = 0; i < Operations; i++)
            {
                _gate.TryAdmit(_keys[(thread << 9) + (i & 511)], out var lease);
                lease.Dispose();
            }
        });

    private static AdmissionGate Gate(int total)
    {
        var options = new AdmissionOptions { Total = total, ConnectRatePerIp = "1000000/s", ConnectRateTotal = "1000000/s" };
        var time = new HurriedTime();
        var policies = new LimitPolicyStore(options, time);
        var overload = new OverloadOptions();
        var ledger = new ConnectionLedger(policies, options, overload, time);
        var networks = new ProtectedNetworks(options.TrustedProxies);
        return new AdmissionGate(
            ledger,
            policies,
            options,
            new AutoBans(new AutoBanOptions(), networks, new RelayEvents(time), time),
            networks,
            new OverloadMonitor(ledger, policies, overload, new RelayEvents(time), time, NullLogger<OverloadMonitor>.Instance),
            new DecisionLog(time),
            new RelayMetrics(),
            time);
    }

    /// <summary>The rates are part of a decision, and the highest there is would be used up: 16 seconds of them pass in one.</summary>
    private sealed class HurriedTime : TimeProvider
    {
        public override long GetTimestamp() => base.GetTimestamp() << 4;
    }
}
