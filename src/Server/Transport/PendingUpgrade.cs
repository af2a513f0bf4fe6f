namespace Relay.Transport;

/// <summary>
/// A request that cannot be decided yet, as somebody else is asked who the client is. Its connection is a pending handshake meanwhile, and no thread waits for it.
/// </summary>
/// <param name="Ready">Completes, and never fails, when it can be decided.</param>
/// <param name="Decide">Decides, after <paramref name="Ready"/>, where the connection cannot close at the same moment.</param>
internal sealed record PendingUpgrade(Task Ready, Func<UpgradeOutcome> Decide);
