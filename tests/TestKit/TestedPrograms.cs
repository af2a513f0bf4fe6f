using System.Diagnostics;

namespace Relay.TestKit;

/// <summary>
/// Which programs the tests start: those of a folder that `make publish` has written, if RELAY_TEST_PUBLISHED names one, else
/// those that were built with the tests.
/// </summary>
internal static class TestedPrograms
{
    public const string TransportVariable = "RELAY_TEST_TRANSPORT";
    public const string StorageVariable = "RELAY_TEST_STORAGE";
    public const string ClusterVariable = "RELAY_TEST_CLUSTER";
    public const string SeedVariable = "RELAY_TEST_SEED";
    public const string ChaosVariable = "RELAY_TEST_CHAOS";
    private const string PublishedVariable = "RELAY_TEST_PUBLISHED";

    private static readonly string? Published = Environment.GetEnvironmentVariable(PublishedVariable) is { Length: > 0 } folder ? Path.GetFullPath(folder) : null;

    /// <summary>The folder that relayctl is in.</summary>
    public static string RelayctlFolder => Published is null ? AppContext.BaseDirectory : Path.Combine(Published, "relayctl");

    /// <summary>The words that start relayd. <paramref name="built"/> is the assembly that was built with the tests.</summary>
    public static string[] Relayd(string built) => Published is null ? ["dotnet", built] : [Path.Combine(Published, "relayd", "relayd")];

    /// <summary>Takes the tests' own variables from the environment: relayd refuses what it does not know. What it keeps it keeps in the folder that it is started in.</summary>
    public static void HideVariables(ProcessStartInfo start)
    {
        foreach (var name in start.Environment.Keys.Where(name => name.StartsWith("RELAY_TEST_", StringComparison.Ordinal)).ToList())
        {
            start.Environment.Remove(name);
        }

        start.Environment["STATE_DIRECTORY"] = start.WorkingDirectory;
    }
}
