using System.Reflection;
using Microsoft.Data.Sqlite;
using Relay.Rendezvous;
using Relay.Storage;

namespace Server.Tests.Rendezvous;

/// <summary>What each statement costs when the table is full: none may walk through it.</summary>
public sealed class MeetingPointsTests : IDisposable
{
    private readonly SqliteConnection _connection = new("Data Source=:memory:");

    public MeetingPointsTests()
    {
        _connection.Open();
        Migrations.Apply(_connection, Migrations.Embedded, TimeProvider.System);
    }

    public static TheoryData<string> Statements =>
        [.. typeof(MeetingPoints).GetFields(BindingFlags.NonPublic | BindingFlags.Instance)
            .Where(member => member.FieldType == typeof(Statement)).Select(member => member.Name)];

    public void Dispose() => _connection.Dispose();

    [Theory]
    [MemberData(nameof(Statements))]
    public void Statement_FullTable_IsAnsweredFromAnIndex(string name)
    {
        var statement = (Statement)typeof(MeetingPoints).GetField(name, BindingFlags.NonPublic | BindingFlags.Instance)!.GetValue(new MeetingPoints())!;
        using var command = _connection.CreateCommand();
        command.CommandText = $"EXPLAIN QUERY PLAN {statement.Sql}";
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
}
