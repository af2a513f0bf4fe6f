using System.Globalization;

namespace Relay.Benchmarks.Cluster;

/// <summary>Figures by what was measured and where, and their medians as a table.</summary>
internal sealed class ClusterFigures(string[] places)
{
    private readonly Dictionary<string, Dictionary<string, List<double>>> _values = [];

    public void Add(string figure, string place, double value)
    {
        if (!_values.TryGetValue(figure, out var row))
        {
            _values[figure] = row = places.ToDictionary(name => name, _ => new List<double>());
        }

        row[place].Add(value);
    }

    public void Print()
    {
        Console.WriteLine($"{"",-56}{string.Concat(places.Select(name => $"{name,12}"))}");
        foreach (var (figure, row) in _values)
        {
            Console.WriteLine($"{figure,-56}{string.Concat(places.Select(name => Median([.. row[name].Order()]).ToString("#,0.0", CultureInfo.InvariantCulture).PadLeft(12)))}");
        }
    }

    private static double Median(double[] sorted) => (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
}
