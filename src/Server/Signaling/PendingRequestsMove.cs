using Relay.Addresses;
using Relay.Clients;
using Relay.Protocol.Moving;

namespace Relay.Signaling;

/// <summary>Requests when their clients move to another process.</summary>
internal sealed partial class PendingRequests
{
    /// <summary>All of them, the oldest first.</summary>
    public IReadOnlyList<MovedRequest> Save(MovedTime time)
    {
        lock (_lock)
        {
            return [.. _all.Where(request => request.From is Client).Select(request => new MovedRequest
            {
                IsLink = request.Kind == RequestKind.Link,
                From = ((Client)request.From).Session.Id,
                FromCode = request.FromCode,
                FromKey = request.FromKey,
                FromAddress = MovedAddresses.ToMessage(request.FromAddress),
                To = request.To.Session.Id,
                ToCode = request.ToCode,
                DeviceName = request.DeviceName,
                Made = time.AgeOf(request.MadeAt),
                IsShown = request.IsShown,
                IsWarned = request.WarningPlace is null,
                Turn = _byTarget[new Key(request.Kind, request.To)].IndexOf(request),
            })];
        }
    }

    /// <summary>A request that waited in another process, whether it may or not: it was judged there. Those made earlier come first.</summary>
    public void Restore(PendingRequest request, MovedRequest state, MovedTime time)
    {
        lock (_lock)
        {
            var waiting = _byTarget.GetValueOrDefault(new Key(request.Kind, request.To)) ?? [];
            var place = waiting.FindIndex(other => other.Turn > request.Turn);
            Begin(request, place < 0 ? null : place);
            request.MadeAt = time.TimestampOf(state.Made);
            request.IsShown = state.IsShown;
            if (state.IsWarned && request.WarningPlace is { } warning)
            {
                _toWarn.Remove(warning);
                request.WarningPlace = null;
            }
        }
    }
}
