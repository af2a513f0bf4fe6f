using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Relay.AdminApi;
using Relay.Events;

namespace Relay.Admin;

/// <summary>Events as messages of the contract: those of the past, then each as it happens.</summary>
internal sealed class EventStream(RelayEvents events, IHostApplicationLifetime lifetime)
{
    public async Task WatchAsync(WatchEventsRequest request, IServerStreamWriter<EventEntry> stream, ServerCallContext context)
    {
        if (request.Past is < 0 or > RelayEvents.Remembered)
        {
            throw AdminErrors.Invalid(("past", $"{request.Past} is not in 0 to {RelayEvents.Remembered:#,0}"));
        }

        using var stop = CancellationTokenSource.CreateLinkedTokenSource(context.CancellationToken, lifetime.ApplicationStopping);
        try
        {
            // A relay where nothing happens must not look like one that does not answer.
            using var follower = events.Follow(request.Past);
            await context.WriteResponseHeadersAsync([]);
            if (request.PastOnly)
            {
                follower.Dispose();
            }

            await foreach (var published in follower.ReadAsync(stop.Token))
            {
                await stream.WriteAsync(Entry(published), stop.Token);
            }
        }
        catch (OperationCanceledException) when (lifetime.ApplicationStopping.IsCancellationRequested)
        {
            throw AdminErrors.Stopping();
        }
        catch (OperationCanceledException)
        {
            // The caller hung up.
        }
    }

    private static EventEntry Entry(in PublishedEvent published) => new()
    {
        Sequence = published.Sequence,
        Time = Timestamp.FromDateTimeOffset(published.Time),
        Kind = published.Event.Kind,
        Text = published.Event.Text,
        Who = published.Event.Who,
        Reason = published.Event.Reason,
    };
}
