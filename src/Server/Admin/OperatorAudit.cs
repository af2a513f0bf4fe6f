using Relay.AuditLog;
using Relay.Events;

namespace Relay.Admin;

/// <summary>Audits what the relay changed itself, in its own name. The calls of operators are audited where they come in.</summary>
internal sealed class OperatorAudit(AuditRecorder audit)
{
    public void Write(PublishedEvent published)
    {
        if (published.Event is { Who: RelayEvent.Relay, Change: { } change })
        {
            var reason = published.Event.Reason;
            audit.Record(AuditEntry.OfRelay(change.Method, change.What, reason.Length > 0 ? reason : null, change.Before, change.After));
        }
    }
}
