using System.Diagnostics;
using System.Globalization;
using Server.Tests.Fuzz;

namespace Relay.Benchmarks;

/// <summary>Does anything that untrusted clients write break a promise? Says how many inputs came to which outcome, and stops at the first finding.</summary>
internal static class FuzzRun
{
    public static int Run(long count, string[] options)
    {
        var seed = (ulong)Stopwatch.GetTimestamp();
        var targets = FuzzTarget.All;
        for (var rest = options.AsSpan(); rest.Length > 0; rest = rest[2..])
        {
            switch (rest)
            {
                case ["--seed", var number, ..] when ulong.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out var given):
                    seed = given;
                    break;
                case ["--only", var name, ..] when FuzzTarget.All.FirstOrDefault(target => target.Name == name) is { } only:
                    targets = [only];
                    break;
                default:
                    Console.Error.WriteLine($"fuzz INPUTS [--seed NUMBER] [--only NAME], where NAME is one of: {string.Join(", ", FuzzTarget.All.Select(target => target.Name))}");
                    return 2;
            }
        }

        var total = Stopwatch.StartNew();
        foreach (var target in targets)
        {
            try
            {
                var watch = Stopwatch.StartNew();
                var outcomes = RunInParallel(target, count, seed);
                Console.WriteLine(string.Create(
                    CultureInfo.InvariantCulture,
                    $"{target.Name}: {count:#,0} inputs in {watch.Elapsed.TotalSeconds:0} s, {count / watch.Elapsed.TotalSeconds:#,0}/s, seed {seed}"));
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

        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{targets.Length * count:#,0} inputs in {total.Elapsed.TotalMinutes:0.0} minutes, and every promise was kept"));
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
