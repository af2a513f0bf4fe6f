using Relay.Cluster;
using Relay.Cluster.V1;
using Relay.Protocol;

namespace Relay.Clients;

/// <summary>
/// The names of this relay's clients among those of its cluster. Whoever has a name listens to its subject; a claim asks there, listens
/// itself, and asks again until nobody answers: of two that claim at once each hears the other or is heard by it. While NATS is away a name is this relay's
/// alone, and is claimed again afterwards.
/// </summary>
internal sealed class ClusterNames(
    ClusterOptions cluster, ClientOptions options, ClusterSubjects subjects, ClusterBus bus, ClusterNameTable table, ClusterNameAnswers answers)
{
    public static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(100);

    // As many others as may give up a name, one after another, to whoever came before them.
    private const int MaxQuestions = 64;

    private static readonly TimeSpan QuickAnswer = TimeSpan.FromMilliseconds(100);

    // Above what a socket may take to answer its ping, and to be closed.
    private static readonly TimeSpan Closing = TimeSpan.FromSeconds(3);

    private readonly TimeSpan _holderTimeout = options.PingTimeout + Closing;

    public bool IsOn => cluster.IsOn;

    /// <summary>False: another relay has the name, or holds it for another key. The directory gave it to the client already.</summary>
    public async Task<bool> TryClaimAsync(NameKind kind, string name, string? key, Client client)
    {
        var claim = new ClusterName(kind, name, Subject(kind, name), client);
        if (table.TryTakeOver(claim))
        {
            return true;
        }

        var question = new NameClaim { Key = key ?? "", Session = client.Session.Id };
        if (await IsHeldAsync(claim, question))
        {
            table.Lose(claim);
            return false;
        }

        claim.Subscription = await bus.SubscribeAsync(claim.Subject, message => answers.Receive(claim, message));
        await bus.FlushAsync();
        for (var i = 0; i < MaxQuestions && !table.IsLost(claim); i++)
        {
            var answer = await AskAsync(claim, question);
            if (answer is NameAnswer.Types.Result.Held)
            {
                break;
            }

            if (answer is null && table.TryEstablish(claim))
            {
                return true;
            }
        }

        table.Lose(claim);
        await bus.UnsubscribeAsync(claim.Subscription);
        return false;
    }

    /// <summary>The client has left, and its name is released here: from now on the name is held for its key, if at all, and a channel is free at once.</summary>
    public void Release(NameKind kind, string name, Client client)
    {
        if (cluster.IsOn && table.Release(kind, name, client) is { Subscription: { } subscription })
        {
            _ = bus.UnsubscribeAsync(subscription).AsTask();
        }
    }

    /// <summary>
    /// Asks whoever has a name, again and again until the time for an answer is over: a question that reaches a relay just when it begins or stops to listen is
    /// lost, so that the first ones are not waited for long.
    /// </summary>
    public async Task<Answer> AskUntilHeardAsync(string subject, Envelope question)
    {
        var spent = TimeSpan.Zero;
        for (var timeout = QuickAnswer; ; timeout *= 2)
        {
            var answer = await bus.AskAsync(subject, question.Clone(), timeout);
            spent += timeout;
            if (answer.Status != AnswerStatus.Silent || spent >= cluster.AnswerTimeout)
            {
                return answer;
            }
        }
    }

    /// <summary>Where whoever has a name listens.</summary>
    public string Subject(NameKind kind, string name) => subjects.Holder(
        kind switch
        {
            NameKind.Code => "code",
            NameKind.PeerId => "peer",
            _ => "owner",
        },
        name);

    /// <summary>Stops to listen to names that are not held any more, and asks whether others have those that are to be confirmed.</summary>
    public void Sweep()
    {
        while (table.TakeExpired() is { } expired)
        {
            _ = bus.UnsubscribeAsync(expired.Subscription!).AsTask();
        }

        foreach (var name in table.TakeUnconfirmed(bus.IsUp))
        {
            _ = ConfirmAsync(name);
        }
    }

    private async Task ConfirmAsync(ClusterName name)
    {
        var question = new NameClaim { Key = name.Key ?? "", Session = name.Client.Session.Id, EstablishedAt = (ulong)name.EstablishedAt };
        var answer = await AskUntilHeardAsync(name.Subject, new Envelope { NameClaim = question });
        if (answer is { Status: AnswerStatus.Answered, Message.NameAnswer: { Result: not NameAnswer.Types.Result.Free } } && table.Lose(name))
        {
            await bus.UnsubscribeAsync(name.Subscription!);
            name.Client.Session.Close(CloseReason.NameConflict);
        }
        else if (answer.Status is AnswerStatus.Silent or AnswerStatus.Away)
        {
            table.ConfirmAgain(name);
        }
    }

    // At first, before anybody hears of the claim.
    private async Task<bool> IsHeldAsync(ClusterName claim, NameClaim question)
    {
        for (var i = 0; i < MaxQuestions; i++)
        {
            switch (await AskAsync(claim, question))
            {
                case NameAnswer.Types.Result.Held:
                    return true;
                case null:
                    return false;
            }
        }

        return true;
    }

    // Null: nobody has it, or who has it is silent.
    private async Task<NameAnswer.Types.Result?> AskAsync(ClusterName claim, NameClaim question)
    {
        var answer = await AskUntilHeardAsync(claim.Subject, new Envelope { NameClaim = question });
        if (answer.Message?.NameAnswer?.Result is NameAnswer.Types.Result.SameKey)
        {
            answer = await bus.AskAsync(claim.Subject, new Envelope { NameClaim = new NameClaim(question) { Waits = true } }, _holderTimeout);
        }

        return answer.Status != AnswerStatus.Answered ? null
            : answer.Message!.NameAnswer?.Result is NameAnswer.Types.Result.Free ? NameAnswer.Types.Result.Free
            : NameAnswer.Types.Result.Held;
    }

}
