using System.Data.Common;
using System.Text.Json;
using Relay.Rendezvous;
using Relay.Storage;

namespace Relay.EndToEnd.Support;

/// <summary>register_rendezvous in a test's words: fields are JSON with ' for ".</summary>
internal static class MeetingClient
{
    public static Task PutAsync(this TestClient client, string fields) =>
        client.SendAsync($$"""{"type":"register_rendezvous",{{fields.Replace('\'', '"')}}}""");

    /// <summary>Sends a registration and gives its result.</summary>
    public static async Task<JsonElement> MeetAsync(this TestClient client, string fields)
    {
        await client.PutAsync(fields);
        return await client.ExpectAsync("rendezvous_result");
    }

    /// <summary>The dead drops' texts.</summary>
    public static string[] Drops(this JsonElement found) =>
        [.. found.GetProperty("deadDrops").EnumerateArray().Select(drop => drop.GetProperty("deadDrop").GetString()!)];

    /// <summary>The peers that are here.</summary>
    public static string[] Matches(this JsonElement found) =>
        [.. found.GetProperty("liveMatches").EnumerateArray().Select(match => match.GetProperty("peerId").GetString()!)];

    /// <summary>
    /// What the relay counts; with <see cref="TestCluster.IsOn"/> all relays together, and the rows that are in their database: each counts these only when
    /// it writes some.
    /// </summary>
    public static async Task<RendezvousCounts> MeetingsAsync(this RelayServer server)
    {
        var counts = server.Get<RendezvousStore>().Counts();
        return !TestCluster.IsOn ? counts : new RendezvousCounts(
            await server.Get<Database>().RunAsync(connection => CountRows(connection, "kind = 0")),
            await server.Get<Database>().RunAsync(connection => CountRows(connection, "kind = 1")),
            server.Sum<RendezvousStore>(store => store.Counts().MatchesFound),
            server.Sum<RendezvousStore>(store => store.Counts().DropsDelivered));
    }

    private static long CountRows(DbConnection connection, string condition)
    {
        using var command = connection.CreateCommand();
        command.CommandText = $"SELECT count(*) FROM meeting_points WHERE {condition}";
        return (long)command.ExecuteScalar()!;
    }
}
