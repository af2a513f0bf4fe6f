using Relay.Addresses;
using Relay.Clients;
using Relay.Protocol.Moving;

namespace Relay.Signaling;

/// <summary>Requests that wait, matches, and how often addresses have asked.</summary>
internal sealed class SignalingMove(
    PendingRequests pending, MatchTable matches, PairRequestRate pairRate, LinkHandler links, RequestOutcomes outcomes) : IMovable
{
    // One of the two has not come.
    private readonly List<PendingRequest> _unanswered = [];
    private readonly List<(Client Phone, MovedRequest Request)> _withdrawn = [];

    public void Write(Departure departure)
    {
        foreach (var rate in pairRate.Addresses.Save(MovedRate.Types.Kind.Pair, departure.Time).Concat(links.Addresses.Save(MovedRate.Types.Kind.Link, departure.Time)))
        {
            departure.Write(new MovedPart { Rate = rate });
        }

        foreach (var request in pending.Save(departure.Time).Where(request => departure.Takes(request.From) || departure.Takes(request.To)))
        {
            departure.Write(new MovedPart { Request = request });
        }

        foreach (var own in matches.Save().Where(own => departure.Takes(own.Session)))
        {
            departure.Write(new MovedPart { Matches = own });
        }
    }

    public bool TryRead(MovedPart part, Arrivals arrivals)
    {
        switch (part.PartCase)
        {
            case MovedPart.PartOneofCase.Request:
                Read(part.Request, arrivals);
                return true;
            case MovedPart.PartOneofCase.Matches when arrivals.ClientOf(part.Matches.Session) is { } client:
                matches.Restore(client, [.. part.Matches.Partners.Select(arrivals.ClientOf).OfType<Client>()]);
                return true;
            case MovedPart.PartOneofCase.Matches:
                return true;
            case MovedPart.PartOneofCase.Rate when part.Rate.Kind is MovedRate.Types.Kind.Pair or MovedRate.Types.Kind.Link:
                (part.Rate.Kind == MovedRate.Types.Kind.Pair ? pairRate.Addresses : links.Addresses).Restore(part.Rate, arrivals.Time);
                return true;
            default:
                return false;
        }
    }

    /// <summary>Whoever has stayed behind is gone for those who have come.</summary>
    public void Complete(Arrivals arrivals)
    {
        _unanswered.ForEach(outcomes.TimeOut);
        _withdrawn.ForEach(link => links.Withdraw(link.Phone, link.Request.ToCode, MovedAddresses.Read(link.Request.FromAddress)));
    }

    private void Read(MovedRequest state, Arrivals arrivals)
    {
        var (from, to) = (arrivals.ClientOf(state.From), arrivals.ClientOf(state.To));
        if (from is null)
        {
            if (to is not null && state is { IsLink: true, IsShown: true })
            {
                _withdrawn.Add((to, state));
            }

            return;
        }

        var request = new PendingRequest
        {
            Kind = state.IsLink ? RequestKind.Link : RequestKind.Pair,
            From = from,
            FromCode = state.FromCode,
            FromKey = state.FromKey,
            FromAddress = MovedAddresses.Read(state.FromAddress),
            To = to!,
            ToCode = state.ToCode,
            DeviceName = state.DeviceName,
            Turn = state.Turn,
        };
        if (to is null)
        {
            _unanswered.Add(request);
        }
        else
        {
            pending.Restore(request, state, arrivals.Time);
        }
    }
}
