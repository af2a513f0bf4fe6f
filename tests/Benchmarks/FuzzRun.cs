using System.Diagnostics;
using System.Globalization;
using Server.Tests.Fuzz;

namespace Relay.Benchmarks;

/// <summary>Does anything that untrusted clients write break a promise? Says how many inputs came to which outcome, and stops at the first finding.</summary>
internal static class FuzzRun
{
    public static int Run(long count, ulong? given)
    {
        var seed = given ?? (ulong)Stopwatch.GetTimestamp();
        foreach (var target in FuzzTarget.All)
        {
            try
            {
                var watch = Stopwatch.StartNew();
                var outcomes = RunInParallel(target, count, seed);
                Console.WriteLine(string.Create(
                    CultureInfo.InvariantCulture, $"{target.Name}: {count:#,0} inputs, {count / watch.Elapsed.TotalSeconds:#,0}/s, seed {seed}"));
                foreach (var (outcome, times) in outcomes)
                {
                    Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  {times,13:#,0}  {outcome}"));
                }
            }
            catch (AggregateException findings)
            {
                Console.Error.WriteLine($"FINDING in {findings.InnerExceptions[0].Message}");
                return 1;
            }
        }

        return 0;
    }

    // One row of inputs for each processor, each from a seed of its own.
    private static Dictionary<string, long> RunInParallel(FuzzTarget target, long count, ulong seed)
    {
        var rows = Environment.ProcessorCount;
        var outcomes = new SortedDictionary<string, long>[rows];
        Parallel.For(0, rows, row => outcomes[row] = target.Run((count / rows) + (row < count % rows ? 1 : 0), seed + (ulong)(2 * row)));
        return outcomes.SelectMany(row => row).GroupBy(pair => pair.Key).ToDictionary(group => group.Key, group => group.Sum(pair => pair.Value));
    }
}
