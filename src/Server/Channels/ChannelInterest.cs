using Relay.Cluster;

namespace Relay.Channels;

/// <summary>
/// That this relay hears what others say to a channel, and asks the owner's relay what it is. Questions follow one another: who wants one while one is under
/// way shares the next. Guarded by the directory's lock.
/// </summary>
internal sealed class ChannelInterest(Channel channel)
{
    private TaskCompletionSource? _next;
    private bool _isAsking;

    public Channel Channel => channel;

    /// <summary>Null until it is heard.</summary>
    public BusSubscription? Subscription { get; set; }

    /// <summary>False: another has taken its place, or nobody here needs to hear of the channel any more.</summary>
    public bool IsCurrent => channel.Elsewhere.Interest == this;

    /// <summary>A question that begins from now on has been answered, or will not be. <paramref name="begins"/>: the caller asks.</summary>
    public Task Want(out bool begins)
    {
        _next ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        begins = !_isAsking;
        _isAsking = true;
        return _next.Task;
    }

    /// <summary>Whoever waits for the next question; null: nobody, and the asking is over.</summary>
    public TaskCompletionSource? TakeNext()
    {
        var next = _next;
        _next = null;
        _isAsking = next is not null;
        return next;
    }
}
