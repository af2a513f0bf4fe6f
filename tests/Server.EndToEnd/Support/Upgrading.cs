using System.Text.RegularExpressions;
using Grpc.Core;
using Relay.AdminApi;
using Relay.Transport;

namespace Relay.EndToEnd.Support;

/// <summary>Upgrades of a relayd that is a process of its own.</summary>
internal static partial class Upgrading
{
    public static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    /// <summary>Whether clients on plain TCP move to the new process: Kestrel's do not.</summary>
    public static bool MovesClients => TestTransport.Kind != TransportKind.Kestrel;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private static CallOptions Call => new(deadline: DateTime.UtcNow + Patience, cancellationToken: Token);

    /// <summary>Has a new process take over, and gives the last that is said of it.</summary>
    public static async Task<UpgradeProgress> UpgradeAsync(this RelayProcess relay, string reason = "", int rate = 10_000)
    {
        using var channel = relay.OpenChannel();
        using var upgrade = new UpgradeService.UpgradeServiceClient(channel).Upgrade(new UpgradeRequest { Rate = rate, Reason = reason }, Call);
        var last = new UpgradeProgress();
        while (await upgrade.ResponseStream.MoveNext(Token))
        {
            last = upgrade.ResponseStream.Current;
        }

        Assert.Equal(UpgradeProgress.Types.State.Done, last.State);
        return last;
    }

    /// <summary>Waits until the ledger has so many connections, and each of them a socket.</summary>
    public static async Task LedgerIsAsync(this RelayProcess relay, int connections)
    {
        using var channel = relay.OpenChannel();
        var admin = new AdminService.AdminServiceClient(channel);
        await Eventually.TrueAsync(
            async () => await admin.VerifyAsync(new VerifyRequest(), Call) is { Ok: true, Drift: 0, LedgerConnections: var held } && held == connections,
            $"the ledger has {connections} connections",
            Patience);
    }

    public static void AssertNothingWrong(this RelayProcess relay) => Assert.DoesNotMatch(Errors(), relay.Output);

    [GeneratedRegex(@"(?m)^\S+Z (fail|error|crit|critical): |Unhandled exception")]
    private static partial Regex Errors();
}
