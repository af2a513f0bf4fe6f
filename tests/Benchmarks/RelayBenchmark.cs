using BenchmarkDotNet.Attributes;
using Relay.Addresses;
using Relay.Clients;
using Relay.Protocol;
using Relay.Relays;

namespace Relay.Benchmarks;

/// <summary>What an answer to get_relays costs among this many relays, chosen and encoded.</summary>
[MemoryDiagnoser]
[ShortRunJob]
public class RelayBenchmark
{
    private readonly RelayRegistry _registry = new(new RelayOptions(), TimeProvider.System, System.Security.Cryptography.RandomNumberGenerator.Create());

    [Params(100, 10_000)]
    public int Relays { get; set; }

    [Params(10, 100)]
    public int Count { get; set; }

    [GlobalSetup]
    public void Register()
    {
        for (var i = 0; i < Relays; i++)
        {
            _registry.Register(new Client(null!), IpKey.FromIpv4((uint)i << 8), $"relay-{i}", "A6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg=", 20);
        }
    }

    [Benchmark]
    public int Choose() => _registry.Choose(Count, "relay-0", null).Count;

    [Benchmark]
    public void ChooseAndEncode() =>
        MessageWriter.Write(new RelayList(_registry.Choose(Count, "relay-0", null)), ServerJson.Default.RelayList).Return();
}
