using Relay.Cluster;
using Relay.Cluster.V1;
using Relay.Events;

namespace Relay.Policy;

/// <summary>
/// Tells the other relays of the cluster that this one has changed the policy, so that they do not look for it only when their second is
/// over. What is lost is found then. Answers <see cref="PolicyAcknowledgements"/> of the others.
/// </summary>
internal sealed class PolicyAnnouncements(RelayEvents events, ClusterBus bus, ClusterSubjects subjects, PolicyFollower follower, LimitPolicyStore policies) : IHostedService, IDisposable
{
    private const string Subject = "policy";

    // Of more at once the rest is answered without a look: each is one query, and one of them finds what all want.
    private const int MaxLooks = 4;

    // Atomic: 1 while somebody is about to look.
    private int _isDue;
    private int _looks;
    private EventFollower? _changes;
    private Task _announcing = Task.CompletedTask;

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        await bus.SubscribeAsync(subjects.All(Subject), Hear);
        await bus.SubscribeToOwnAsync(PolicyAcknowledgements.Subject, HearQuestion);
        _changes = events.Follow();
        _announcing = AnnounceAsync(_changes);
    }

    public Task StopAsync(CancellationToken cancellationToken)
    {
        _changes?.Dispose();
        return _announcing.WaitAsync(cancellationToken);
    }

    public void Dispose() => _changes?.Dispose();

    private async Task AnnounceAsync(EventFollower changes)
    {
        await foreach (var published in changes.ReadAsync())
        {
            if (published.Event is PolicyChanged { Node: null } change)
            {
                bus.TrySend(subjects.All(Subject), new Envelope { PolicyAnnounced = new PolicyAnnounced { Revision = change.Revision } });
            }
        }
    }

    // Where NATS' connection is read. Of many announcements at once one look is enough.
    private void Hear(ClusterMessage message)
    {
        if (message.Envelope.PolicyAnnounced is null)
        {
            bus.Refuse(message);
        }
        else if (Interlocked.Exchange(ref _isDue, 1) == 0)
        {
            _ = Task.Run(LookAsync);
        }
    }

    // Where NATS' connection is read.
    private void HearQuestion(ClusterMessage message)
    {
        if (message.Envelope.PolicyWanted is not { } wanted)
        {
            bus.Refuse(message);
        }
        else if (policies.Current.Revision >= wanted.Revision)
        {
            Answer(message);
        }
        else if (Interlocked.Increment(ref _looks) > MaxLooks)
        {
            Interlocked.Decrement(ref _looks);
            Answer(message);
        }
        else
        {
            _ = Task.Run(() => LookAsync(message));
        }
    }

    private async Task LookAsync(ClusterMessage question)
    {
        try
        {
            await follower.CatchUpAsync();
            Answer(question);
        }
        finally
        {
            Interlocked.Decrement(ref _looks);
        }
    }

    private void Answer(in ClusterMessage question) =>
        bus.Reply(question, new Envelope { PolicyInForce = new PolicyInForce { Revision = policies.Current.Revision } });

    private Task LookAsync()
    {
        // Before the look: what is announced from here on may have been stored after it.
        Volatile.Write(ref _isDue, 0);
        return follower.CatchUpAsync();
    }
}
