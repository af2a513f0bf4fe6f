using Relay.Admission;
using Relay.Sessions;
using Relay.Transport;

namespace Relay.EndToEnd.Support;

/// <summary>Short names for the server's own tables.</summary>
internal static class ServerFigures
{
    public static LedgerTotals Totals(this RelayServer server) => server.Get<ConnectionLedger>().Totals();

    public static int Live(this RelayServer server) => (int)server.Sum<ConnectionLedger>(ledger => ledger.Totals().Live);

    public static Task LiveIsAsync(this RelayServer server, int count) =>
        Eventually.TrueAsync(() => server.Live() == count, $"{count} places taken");

    /// <summary>Every connection is gone, and every table is empty.</summary>
    public static async Task EmptyAsync(this RelayServer server)
    {
        await server.LiveIsAsync(0);
        await Eventually.TrueAsync(() => server.Sum<SessionTable>(sessions => sessions.Count) == 0, "no session left");
        await Eventually.TrueAsync(() => server.Sum<ConnectionTable>(connections => connections.Count) == 0, "no connection left");
    }

    /// <summary>The keys that hold a place, as text.</summary>
    public static string[] HeldKeys(this RelayServer server) =>
        [.. server.Get<ConnectionLedger>().Snapshot().Keys().Where(key => key.Live > 0).Select(key => key.Key.ToString()).Order(StringComparer.Ordinal)];
}
