using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;

namespace Relay.AdminCli;

/// <summary>
/// Entries of a stream as they happen, also over a restart of the relay: of what it remembers then, those later than the last one that was shown
/// come first.
/// </summary>
internal static class Following
{
    /// <param name="open">Opens the stream, with as many past entries as were asked for, or with all that there are.</param>
    public static async Task<int> RunAsync<TEntry>(
        AdminCall call, bool exitOnLoss, Func<bool, AsyncServerStreamingCall<TEntry>> open, Func<TEntry, Timestamp?> timeOf, Action<TEntry> show)
        where TEntry : IMessage<TEntry>, new()
    {
        var outage = new Outage(call, exitOnLoss, announces: true);
        AsyncServerStreamingCall<TEntry>? stream = null;
        var (last, after) = (call.Context.Clock.GetUtcNow().ToTimestamp(), default(Timestamp));
        try
        {
            return await outage.RunAsync(async () =>
            {
                while (true)
                {
                    if (!await outage.TryAsync(() => stream is null ? OpenAsync() : NextAsync(stream)))
                    {
                        stream?.Dispose();
                        stream = null;
                    }
                }
            });
        }
        finally
        {
            stream?.Dispose();
        }

        async Task OpenAsync()
        {
            after = outage.HasAnswered ? last : null;
            stream = open(outage.HasAnswered);
            // Sent before there is anything to tell.
            await call.SoonAsync(stream.ResponseHeadersAsync, call.Connection.Timeout);
            call.Output.Begin(new TEntry().Descriptor);
        }

        async Task NextAsync(AsyncServerStreamingCall<TEntry> from)
        {
            if (!await from.ResponseStream.MoveNext(call.Cancel))
            {
                throw new RpcException(new Status(StatusCode.Unavailable, "it is stopping"));
            }

            var entry = from.ResponseStream.Current;
            var time = timeOf(entry) ?? last;
            if (after is null || time > after)
            {
                show(entry);
                last = time;
            }
        }
    }
}
