using System.Globalization;
using BenchmarkDotNet.Running;
using Relay.Benchmarks;

// "idle N" measures memory with a real relayd process, "fuzz N [SEED]" tries what strangers write; anything else goes to BenchmarkDotNet.
if (args is ["idle", var count])
{
    return await IdleSockets.MeasureAsync(int.Parse(count, CultureInfo.InvariantCulture));
}

if (args is ["fuzz", var inputs, .. var given])
{
    return FuzzRun.Run(long.Parse(inputs, CultureInfo.InvariantCulture), given is [var seed] ? ulong.Parse(seed, CultureInfo.InvariantCulture) : null);
}

// "meet N" measures what the disk makes of N sockets' rendezvous.
if (args is ["meet", var sockets])
{
    return await MeetingRate.MeasureAsync(int.Parse(sockets, System.Globalization.CultureInfo.InvariantCulture));
}

BenchmarkSwitcher.FromAssembly(typeof(AdmissionBenchmark).Assembly).Run(args);
return 0;
