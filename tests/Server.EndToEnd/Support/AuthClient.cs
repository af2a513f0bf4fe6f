using System.Net.WebSockets;

namespace Relay.EndToEnd.Support;

/// <summary>Clients that show a token, and what they are told.</summary>
internal static class AuthClient
{
    public static Task<TestClient> ConnectAsync(RelayServer server, string token, string? from = null) =>
        TestClient.ConnectAsync(server, from: from, headers: Header(token));

    /// <summary>"in", or how the relay has closed: "4401 Unauthorized".</summary>
    public static async Task<string> TryAsync(RelayServer server, string? token, string path = "/", string? from = null)
    {
        try
        {
            await using var client = await TestClient.ConnectAsync(server, path, from, headers: token is null ? null : Header(token));
            return "in";
        }
        catch (WebSocketException exception)
        {
            return exception.Message.Replace("closed ", "", StringComparison.Ordinal);
        }
    }

    public static Dictionary<string, string> Header(string token) => new() { ["Authorization"] = $"Bearer {token}" };
}
