using BenchmarkDotNet.Running;
using Relay.Benchmarks;

// "idle N" measures memory with a real relayd process; anything else goes to BenchmarkDotNet.
if (args is ["idle", var count])
{
    return await IdleSockets.MeasureAsync(int.Parse(count, System.Globalization.CultureInfo.InvariantCulture));
}

BenchmarkSwitcher.FromAssembly(typeof(AdmissionBenchmark).Assembly).Run(args);
return 0;
