using System.Text.Json;

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
}
