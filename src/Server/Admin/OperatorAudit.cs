using Relay.AuditLog;
using Relay.Events;
using Relay.Policy;

namespace Relay.Admin;

/// <summary>
/// Audits what the relay changed itself, and what operators changed at another relay. The calls of operators are audited where they come in.
/// </summary>
internal sealed class OperatorAudit(AuditRecorder audit)
{
    public void Write(PublishedEvent published)
    {
        if (published.Event is { Who: RelayEvent.Relay, Change: not null } or PolicyChanged { Node: not null })
        {
            var (change, reason) = (published.Event.Change!, published.Event.Reason);
            audit.Record(AuditEntry.OfRelay(published.Event.Who, change.Method, change.What, reason.Length > 0 ? reason : null, change.Before, change.After));
        }
    }
}
