using System.Reflection;
using System.Text.RegularExpressions;
using Microsoft.Data.Sqlite;
using Relay.Rendezvous;
using Relay.Storage;
using Server.Tests.Storage;

namespace Server.Tests.Rendezvous;

/// <summary>What each statement costs when the table is full: none may walk through it.</summary>
public sealed partial class RendezvousRowsTests : IDisposable
{
    private readonly SqliteConnection _connection = new("Data Source=:memory:");

    public RendezvousRowsTests()
    {
        _connection.Open();
        Migrations.Apply(_connection, Migrations.Embedded, TimeProvider.System);
    }

    public static TheoryData<string> Statements =>
        [.. typeof(RendezvousRows).GetFields(BindingFlags.NonPublic | BindingFlags.Instance)
            .Where(member => member.FieldType == typeof(Statement)).Select(member => member.Name)];

    public void Dispose() => _connection.Dispose();

    [Theory]
    [MemberData(nameof(Statements))]
    public void Statement_FullTable_IsAnsweredFromAnIndex(string name)
    {
        using var command = _connection.CreateCommand();
        command.CommandText = $"EXPLAIN QUERY PLAN {Sql(name)}";
        using var plan = command.ExecuteReader();
        while (plan.Read())
        {
            var step = plan.GetString(3);

            // One row or two; once at start or after a rollback; the first of an index.
            var harmless = step.Contains("meeting_counts", StringComparison.Ordinal) || step.Contains("meeting_revision", StringComparison.Ordinal)
                || name is "_recount" or "_addresses"
                || step == "SCAN meeting_points USING COVERING INDEX meeting_points_written";
            Assert.True(harmless || !step.StartsWith("SCAN", StringComparison.Ordinal), $"{name}: {step}");
            Assert.DoesNotContain("USE TEMP B-TREE", step, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Statements_FullTableInPostgres_AreAnsweredFromAnIndex()
    {
        await using var test = await TestDatabase.StartAsync(engine: Engine.Postgres);
        await test.DoAsync("""
            INSERT INTO meeting_points
                SELECT n % 2, convert_to('h' || n / 4, 'UTF8'), convert_to('p' || n % 997, 'UTF8'), 'key', convert_to('a' || n / 100, 'UTF8'), '', 'd', n, n, n
                FROM generate_series(1, 30000) n
            """);
        await test.DoAsync("ANALYZE meeting_points");
        using var connection = test.OpenBeside();

        // The last is of the file only.
        foreach (var name in Statements.Select(row => row.Data).Where(name => name is not ("_recount" or "_addresses" or "_deleteTokens")))
        {
            var sql = Parameter().Replace(
                Sql(name), match => match.Value is "@hash" or "@name" or "@key" or "@other" or "@otherKey" or "@address" or "@relay" or "@drop" ? "'h7'::bytea" : "7");
            using var command = connection.CreateCommand();
            command.CommandText = $"EXPLAIN {sql}";
            using var plan = command.ExecuteReader();
            while (plan.Read())
            {
                Assert.False(plan.GetString(0).Contains("Seq Scan on meeting_points", StringComparison.Ordinal), $"{name}: {plan.GetString(0)}");
                Assert.DoesNotContain("Sort", plan.GetString(0), StringComparison.Ordinal);
            }
        }
    }

    private static string Sql(string name) =>
        ((Statement)typeof(RendezvousRows).GetField(name, BindingFlags.NonPublic | BindingFlags.Instance)!.GetValue(new RendezvousRows())!).Sql;

    [GeneratedRegex("@[a-zA-Z]+")]
    private static partial Regex Parameter();
}
