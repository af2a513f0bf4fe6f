using System.Collections.Concurrent;
using Relay.Admission;
using Relay.Policy;
using Relay.Transport;

namespace Relay.Sessions;

/// <summary>
/// Rejects clients. On the overload level normal: the upgrade, when to come back, and then a close frame, which browsers can read, with the connection
/// reset a second later whatever the client does. Above that level, by setting, or when too many refused clients are still closing: an
/// HTTP status before the upgrade. A client that would be reset and is here nevertheless came through a proxy, which would take a
/// reset for a failure of the relay.
/// </summary>
internal sealed class Refuser(AdmissionOptions options, OverloadMonitor overload, int maxClosing = Refuser.MaxClosing)
{
    /// <summary>Rejected connections that may wait for the end of their close handshake at once; each costs a connection for up to a second. Those above it get a status instead.</summary>
    public const int MaxClosing = 1_000;

    // RFC 6750 section 3.
    private static readonly HttpAnswer Unauthorized = new(401, Rejections.Of(Refusal.Unauthorized).Text, "WWW-Authenticate", "Bearer realm=\"relay\"");

    private readonly LastWords _lastWords = new(options.RetryAfter, options.RetryHint);

    // As many as there were at once, at most the bound.
    private readonly ConcurrentQueue<RefusedConnection> _idle = [];

    // Atomic.
    private int _closing;

    public UpgradeOutcome Refuse(Connection connection, Decision decision)
    {
        var refusal = decision.Refusal;
        var wait = decision.Wait > options.RetryAfter ? decision.Wait : options.RetryAfter;
        if (Rejections.ModeOf(refusal, decision.OverloadLevel, options.RejectionMode) == RejectionMode.CloseFrame)
        {
            if (Interlocked.Increment(ref _closing) <= maxClosing)
            {
                overload.CountRejection(RejectionMode.CloseFrame);
                var refused = _idle.TryDequeue(out var used) ? used : new RefusedConnection(this);
                refused.Begin(connection, _lastWords.Of(refusal, wait));
                return new UpgradeOutcome(null, refused);
            }

            Interlocked.Decrement(ref _closing);
        }

        overload.CountRejection(RejectionMode.HttpStatus);
        return refusal == Refusal.Unauthorized ? Unauthorized : HttpAnswer.RetryLater(Rejections.Of(refusal).Status, Rejections.Of(refusal).Text, wait);
    }

    /// <summary>The connection of a refused client is over.</summary>
    public void End(RefusedConnection refused)
    {
        _idle.Enqueue(refused);
        Interlocked.Decrement(ref _closing);
    }
}
