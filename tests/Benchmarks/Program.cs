using BenchmarkDotNet.Running;
using Relay.Benchmarks;

// "idle N" measures memory with a real relayd process; anything else goes to BenchmarkDotNet.
if (args is ["idle", var count])
{
    return await IdleSockets.MeasureAsync(int.Parse(count, System.Globalization.CultureInfo.InvariantCulture));
}

// "meet N" measures what the disk makes of N sockets' rendezvous.
if (args is ["meet", var sockets])
{
    return await MeetingRate.MeasureAsync(int.Parse(sockets, System.Globalization.CultureInfo.InvariantCulture));
}

BenchmarkSwitcher.FromAssembly(typeof(AdmissionBenchmark).Assembly).Run(args);
return 0;
