using Relay.Protocol.Moving;
using Relay.RateLimiting;
using Relay.Sessions;

namespace Relay.Clients;

/// <summary>The client when it moves to another process: its own rates. Its names are the directory's.</summary>
internal sealed partial class Client
{
    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);

    /// <summary>What its session is known as, and how fast it sends.</summary>
    /// <param name="rates">Of pair requests and of upstream messages, a minute.</param>
    public MovedIdentity Save(MovedTime time, ClientSessionOptions options, (int Pair, int Upstream) rates)
    {
        var state = new MovedIdentity
        {
            Session = session.Id,
            PublicKey = PublicKey,
            HoldsTokens = HoldsTokens,
            MessagesTaken = _messages.TakenOf(options.MessagesPerMinute, Minute, time.Now, time.Provider),
        };
        if (_code is { } code)
        {
            state.Code = code;
        }

        if (_peerId is { } peerId)
        {
            state.PeerId = peerId;
        }

        if (_peerKey is { } key)
        {
            state.PeerKey = key;
        }

        if (_seldom is { } seldom)
        {
            state.PairRequestsTaken = seldom.PairRequests.TakenOf(rates.Pair, Minute, time.Now, time.Provider);
            state.UpstreamTaken = seldom.UpstreamMessages.TakenOf(rates.Upstream, Minute, time.Now, time.Provider);
            for (var number = Math.Max(0, seldom.Refused - (seldom.Refusals?.Length ?? 0)); number < seldom.Refused; number++)
            {
                var at = seldom.Refusals![number % seldom.Refusals.Length];
                if (time.Provider.GetElapsedTime(at, time.Now) <= Minute)
                {
                    state.Refusals.Add(time.AgeOf(at));
                }
            }
        }

        return state;
    }

    /// <summary>Goes on from there; of a new client. Without the names.</summary>
    public void Restore(MovedIdentity state, MovedTime time, ClientSessionOptions options)
    {
        HoldsTokens = state.HoldsTokens;
        _messages = TokenBucket.Of(state.MessagesTaken, time.Now);
        if (state.PairRequestsTaken > 0 || state.UpstreamTaken > 0 || state.Refusals.Count > 0)
        {
            Seldom.PairRequests = TokenBucket.Of(state.PairRequestsTaken, time.Now);
            Seldom.UpstreamMessages = TokenBucket.Of(state.UpstreamTaken, time.Now);
        }

        foreach (var age in state.Refusals)
        {
            var refusals = Seldom.Refusals ??= new long[options.RefusedMessagesPerMinute];
            refusals[Seldom.Refused++ % refusals.Length] = time.TimestampOf(age);
        }
    }
}
