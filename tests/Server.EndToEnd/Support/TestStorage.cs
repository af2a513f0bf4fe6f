using System.Collections.Concurrent;
using Relay.TestKit;

namespace Relay.EndToEnd.Support;

/// <summary>
/// Where the tests' relays store: with the variable RELAY_TEST_STORAGE=postgres on the tests' own PostgreSQL server, a database for each file
/// that they would have used; without it in the file.
/// </summary>
internal static class TestStorage
{
    private static readonly ConcurrentDictionary<string, Task<string>> Databases = new();

    public static bool IsPostgres { get; } = Environment.GetEnvironmentVariable(TestedPrograms.StorageVariable) == "postgres";

    /// <summary>For tests of what only the file can do or suffer.</summary>
    public static void SkipUnlessFile() => Assert.SkipWhen(IsPostgres || TestCluster.IsOn, "of the SQLite file");

    /// <summary>The connection string; empty: the file.</summary>
    public static async Task<string> ConnectionAsync(string file) =>
        IsPostgres ? await Databases.GetOrAdd(file, async _ => await (await SharedPostgres.GetAsync()).CreateDatabaseAsync()) : "";
}
