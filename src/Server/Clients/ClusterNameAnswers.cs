using Relay.Cluster;
using Relay.Cluster.V1;
using Relay.Protocol;

namespace Relay.Clients;

/// <summary>What other relays say to the holder of a name, and what this one answers.</summary>
internal sealed class ClusterNameAnswers(ClientDirectory directory, SilentHolders silent, ClusterNameTable table, ClusterBus bus)
{
    private const int MaxKeyLength = 256;

    // Holders that are asked for others at a time.
    private const int MaxAsked = 1024;

    // Atomic.
    private int _asked;

    /// <summary>
    /// Raised for what is meant for the client with a code, or for the owner of a channel. The client; null: it has left, and the code is held. From where
    /// NATS' connection is read: whoever hears it returns at once.
    /// </summary>
    public event Action<ClusterName, Client?, ClusterMessage>? Received;

    /// <summary>Where NATS' connection is read.</summary>
    public void Receive(ClusterName name, ClusterMessage message)
    {
        if (message.Envelope.NameClaim is { } claim)
        {
            if (claim.Key.Length <= MaxKeyLength)
            {
                Answer(name, claim, message);
            }
        }
        else if (name.Kind != NameKind.PeerId && table.TryGetClient(name, out var client))
        {
            Received?.Invoke(name, client, message);
        }
    }

    private void Answer(ClusterName name, NameClaim claim, ClusterMessage message)
    {
        var state = table.Hear(name, message.Envelope.Epoch, claim.Session, claim.EstablishedAt, out var client);
        if (state == NameState.Lost)
        {
            if (claim.EstablishedAt > 0 && !client.HasReleased)
            {
                client.Session.Close(CloseReason.NameConflict);
            }

            _ = GiveAsync(name, message);
        }
        else if (state == NameState.Claiming)
        {
            Reply(message, NameAnswer.Types.Result.Held);
        }
        else if (client.HasReleased && name.Kind != NameKind.Channel)
        {
            AnswerForHeld(name, client, claim, message);
        }
        else if (claim.EstablishedAt > 0 || claim.Key.Length == 0 || name.Key != claim.Key)
        {
            Reply(message, NameAnswer.Types.Result.Held);
        }
        else if (!claim.Waits)
        {
            Reply(message, NameAnswer.Types.Result.SameKey);
        }
        else
        {
            _ = AskHolderAsync(name, client, claim, message);
        }
    }

    private void AnswerForHeld(ClusterName name, Client left, NameClaim claim, ClusterMessage message)
    {
        if (!directory.TryFree(name.Kind, name.Name, claim.Key.Length > 0 ? claim.Key : null))
        {
            Reply(message, NameAnswer.Types.Result.Held);
        }
        else if (table.TryGiveUp(name, left))
        {
            _ = GiveAsync(name, message);
        }
        else
        {
            // Another client of this relay has it now, or it was given up already.
            Reply(message, table.IsLost(name) ? NameAnswer.Types.Result.Free : NameAnswer.Types.Result.Held);
        }
    }

    private async Task AskHolderAsync(ClusterName name, Client holder, NameClaim claim, ClusterMessage message)
    {
        var hasGone = Interlocked.Increment(ref _asked) <= MaxAsked && await silent.HasGoneAsync(holder, CancellationToken.None);
        Interlocked.Decrement(ref _asked);
        if (hasGone)
        {
            AnswerForHeld(name, holder, claim, message);
        }
        else
        {
            Reply(message, NameAnswer.Types.Result.Held);
        }
    }

    // When whoever asked hears it, this relay does not listen any more.
    private async Task GiveAsync(ClusterName name, ClusterMessage message)
    {
        if (name.Subscription is { } subscription)
        {
            await bus.UnsubscribeAsync(subscription);
        }

        Reply(message, NameAnswer.Types.Result.Free);
    }

    private void Reply(ClusterMessage message, NameAnswer.Types.Result result) =>
        bus.Reply(message, new Envelope { NameAnswer = new NameAnswer { Result = result } });
}
