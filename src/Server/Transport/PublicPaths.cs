using System.Text;

namespace Relay.Transport;

/// <summary>Paths of the public listeners that are no client's. They are exact and case-sensitive.</summary>
internal static class PublicPaths
{
    public const string Health = "/health";
    public const string Ready = "/ready";
    public const string Stats = "/stats";
    public const string Metrics = "/metrics";
    public const string Federation = "/federation";
    public const string Server = "/server";
    public const string AdminWebSocket = "/admin/ws";

    private static readonly byte[][] All =
        [.. new[] { Health, Ready, Stats, Metrics, Federation, Server, AdminWebSocket }.Select(Encoding.ASCII.GetBytes)];

    public static bool IsReserved(ReadOnlySpan<byte> path)
    {
        foreach (var reserved in All)
        {
            if (path.SequenceEqual(reserved))
            {
                return true;
            }
        }

        return false;
    }
}
