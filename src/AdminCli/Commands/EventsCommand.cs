using System.CommandLine;
using Grpc.Core;
using Relay.AdminApi;

namespace Relay.AdminCli.Commands;

/// <summary>What happens in the relay, and what operators do to it.</summary>
internal static class EventsCommand
{
    private const int DefaultLast = 20;
    private const int MaxLast = 1024;

    public static Command Create(GlobalOptions globals, CommandContext context)
    {
        var last = new Option<int?>("--last", "-n")
        {
            Description = "Number of past events, the newest, 0 to 1024 (default 20).",
            HelpName = "events",
            CustomParser = ArgumentParsers.Whole<int>("--last", 0, MaxLast),
        };
        var follow = new Option<bool>("--follow", "-f") { Description = "Keep printing new events as they happen. Ctrl-C ends it with exit code 0." };
        return new ExampleCommand(
            "events",
            "Shows what happens in the relay: changes, bans, drains, overload, warnings.",
            "One line per event, oldest first: time, kind, who (relayd: the relay itself), what happened, and the reason in brackets. The relay remembers the last "
                + "1024 since it started; the audit log keeps what was changed for longer. With -o json: one object per line.",
            "relayctl events                               # the last 20",
            "relayctl events -f --last 0                   # what happens from now on",
            "relayctl events -o json | jq -r .kind")
        {
            last,
            follow,
        }.WithAction(globals, context, async call =>
        {
            var request = new WatchEventsRequest { Past = call.Options.GetValue(last) ?? DefaultLast, PastOnly = !call.Options.GetValue(follow) };
            using var stream = call.Connection.Admin.WatchEvents(request, cancellationToken: call.Cancel);
            return await PrintAsync(call, stream, request.PastOnly);
        });
    }

    private static async Task<int> PrintAsync(AdminCall call, AsyncServerStreamingCall<EventEntry> stream, bool isPastOnly)
    {
        var begun = false;
        try
        {
            // Sent before there is anything to tell.
            await call.SoonAsync(stream.ResponseHeadersAsync, call.Connection.Timeout);
            begun = true;
            var (shown, before) = (0, 0L);
            for (; await stream.ResponseStream.MoveNext(call.Cancel); shown++)
            {
                var happened = stream.ResponseStream.Current;
                if (before > 0 && happened.Sequence - before - 1 is > 0 and var lost)
                {
                    call.Error.WriteLine($"warning: {Units.Count(lost)} event{(lost == 1 ? " was" : "s were")} lost: too many at once");
                }

                before = happened.Sequence;
                Print(call, happened);
            }

            if (!isPastOnly)
            {
                call.Error.WriteLine("The relay is stopping; no more events.");
                return ExitCodes.Rejected;
            }

            if (shown == 0 && !call.Output.IsJson)
            {
                call.Output.Line("No events.");
            }

            return ExitCodes.Ok;
        }
        catch (Exception e) when (begun && call.IsLoss(e))
        {
            return call.Lost();
        }
        catch (Exception e) when (!isPastOnly && call.IsInterrupt(e))
        {
            return ExitCodes.Ok;
        }
    }

    private static void Print(AdminCall call, EventEntry happened)
    {
        if (call.Output.IsJson)
        {
            call.Output.JsonLine(happened);
        }
        else
        {
            var reason = happened.Reason.Length > 0 ? $"  ({happened.Reason})" : "";
            call.Output.Line(Printable.Clean($"{Units.Time(happened.Time)} {happened.Kind} {happened.Who}  {happened.Text}{reason}"));
        }

        call.Output.Flush();
    }
}
