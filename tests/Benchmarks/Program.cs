using System.Globalization;
using BenchmarkDotNet.Running;
using Relay.Benchmarks;
using Relay.Benchmarks.Cluster;
using Relay.Benchmarks.Echo;
using Relay.Benchmarks.Flood;
using Relay.Benchmarks.Hostile;
using Relay.Benchmarks.Net;
using Relay.Benchmarks.Soak;

switch (args)
{
    // Memory of idle sockets, and random traffic that must leave nothing behind: both with a real relayd process.
    case ["idle", var count]:
        return await IdleSockets.MeasureAsync(int.Parse(count, CultureInfo.InvariantCulture));
    case ["soak", var minutes]:
        return await SoakRun.RunAsync(TimeSpan.FromMinutes(double.Parse(minutes, CultureInfo.InvariantCulture)));

    // What a flood of refused connections does to those who are in, and the process that makes it.
    case ["flood", var seconds, .. var options]:
        return await FloodRun.RunAsync(TimeSpan.FromSeconds(double.Parse(seconds, CultureInfo.InvariantCulture)), options);
    case ["flood-from", var port, var seconds]:
        return Flooder.Run(int.Parse(port, CultureInfo.InvariantCulture), TimeSpan.FromSeconds(double.Parse(seconds, CultureInfo.InvariantCulture)));

    // What attacks of those who may connect do to the others.
    case ["hostile", .. var options]:
        return await HostileRun.RunAsync(options);

    // Connections that end at every stage, and whether a frame ever reaches a wrong socket.
    case ["churn", var connects]:
        return await ChurnRun.RunAsync(int.Parse(connects, CultureInfo.InvariantCulture));

    // The same questions to the relay and to a native server.
    case ["net", var rounds, var idle, var seconds, var bun, .. var options]:
        return await NetBenchmark.RunAsync(
            int.Parse(rounds, CultureInfo.InvariantCulture),
            int.Parse(idle, CultureInfo.InvariantCulture),
            TimeSpan.FromSeconds(double.Parse(seconds, CultureInfo.InvariantCulture)),
            bun,
            options);

    // What clients, messages and nodes cost in a cluster, and what that makes of many nodes.
    case ["cluster", var rounds, var seconds]:
        return await ClusterBenchmark.RunAsync(
            int.Parse(rounds, CultureInfo.InvariantCulture), TimeSpan.FromSeconds(double.Parse(seconds, CultureInfo.InvariantCulture)));
    case ["scaling"]:
        Console.Write(ScalingTables.Write());
        return 0;

    // What the disk makes of so many sockets' rendezvous.
    case ["meet", var sockets]:
        return await MeetingRate.MeasureAsync(int.Parse(sockets, CultureInfo.InvariantCulture));

    // An echo for conformance suites from outside.
    case ["echo", "--port", var port, "--transport", var transport]:
        return await EchoServer.RunAsync(int.Parse(port, CultureInfo.InvariantCulture), transport);

    // What untrusted clients write.
    case ["fuzz", var inputs, .. var options]:
        return FuzzRun.Run(long.Parse(inputs, CultureInfo.InvariantCulture), options);
}

BenchmarkSwitcher.FromAssembly(typeof(AdmissionBenchmark).Assembly).Run(args);
return 0;
