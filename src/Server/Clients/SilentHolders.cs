using Relay.Protocol;

namespace Relay.Clients;

/// <summary>
/// Sockets whose names are claimed by others with the same key. Each was sent a ping; one that nothing comes from in time
/// is closed. There are few at a time, and one sweep looks at them all.
/// </summary>
internal sealed class SilentHolders(ClientOptions options, TimeProvider time)
{
    public static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(100);

    private readonly Lock _lock = new();

    // Guarded by _lock.
    private readonly Dictionary<Client, Question> _asked = [];

    /// <summary>Pings the holder; true when it has left, before it answered or because it did not. False too when the claimant is gone.</summary>
    public async Task<bool> HasGoneAsync(Client holder, CancellationToken claimantGone)
    {
        Question question;
        bool isNew;
        lock (_lock)
        {
            isNew = !_asked.TryGetValue(holder, out question!);
            if (isNew)
            {
                _asked.Add(holder, question = new Question(time.GetTimestamp()));
            }
        }

        if (isNew)
        {
            holder.Session.TryPing();
        }

        var gone = question.Answer.Task.WaitAsync(claimantGone);
        await ((Task)gone).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return gone.IsCompletedSuccessfully && gone.Result;
    }

    public void Sweep()
    {
        KeyValuePair<Client, Question>[] asked;
        lock (_lock)
        {
            asked = [.. _asked];
        }

        foreach (var (holder, question) in asked)
        {
            if (holder.HasReleased)
            {
                Answer(holder, question, hasGone: true);
            }
            else if (!question.IsClosing && (holder.Session.LastReceived > question.Since || holder.Session.IsHandling))
            {
                Answer(holder, question, hasGone: false);
            }
            else if (time.GetElapsedTime(question.Since) >= options.PingTimeout)
            {
                question.IsClosing = true;
                holder.Session.Close(CloseReason.Replaced);
            }
        }
    }

    private void Answer(Client holder, Question question, bool hasGone)
    {
        lock (_lock)
        {
            _asked.Remove(holder);
        }

        question.Answer.SetResult(hasGone);
    }

    private sealed class Question(long since)
    {
        public long Since => since;

        /// <summary>Sweep only.</summary>
        public bool IsClosing { get; set; }

        public TaskCompletionSource<bool> Answer { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
