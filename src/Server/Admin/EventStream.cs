using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Relay.AdminApi;
using Relay.Events;

namespace Relay.Admin;

/// <summary>Events as messages of the contract: those of the past, then each as it happens.</summary>
internal sealed class EventStream(RelayEvents events, StreamingCalls calls)
{
    public async Task WatchAsync(WatchEventsRequest request, IServerStreamWriter<EventEntry> stream, ServerCallContext context)
    {
        if (request.Past is < 0 or > RelayEvents.Remembered)
        {
            throw AdminErrors.Invalid(("past", $"{request.Past} is not in 0 to {RelayEvents.Remembered:#,0}"));
        }

        await calls.RunAsync(context, async (waits, writes) =>
        {
            // A relay where nothing happens must not look like one that does not answer.
            using var follower = events.Follow(request.Past);
            await context.WriteResponseHeadersAsync([]);
            if (request.PastOnly)
            {
                follower.Dispose();
            }

            await foreach (var published in follower.ReadAsync(waits))
            {
                await stream.WriteAsync(Entry(published), writes);
            }
        });
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
