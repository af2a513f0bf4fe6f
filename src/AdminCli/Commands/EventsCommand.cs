using System.CommandLine;
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
        var command = new ExampleCommand(
            "events",
            "Shows what happens in the relay: changes, bans, drains, overload, warnings.",
            "One line per event, oldest first: time, kind, who (relayd: the relay itself), what happened, and the reason in brackets. The relay remembers the last "
                + "1024 since it started; the audit log keeps what was changed for longer. With -o json: one object per line. With --follow it goes on when the relay was lost.",
            "relayctl events                               # the last 20",
            "relayctl events -f --last 0                   # what happens from now on",
            "relayctl events -o jsonl | jq -r .kind")
        {
            last,
            follow,
        };
        var exitOnLoss = WatchFlags.AddExitOnLoss(command, follow);
        return command.WithAction(globals, context, call =>
        {
            var request = new WatchEventsRequest { Past = call.Options.GetValue(last) ?? DefaultLast, PastOnly = !call.Options.GetValue(follow) };
            var before = 0L;
            return request.PastOnly ? ShowAsync(call, request) : Following.RunAsync(
                call,
                call.Options.GetValue(exitOnLoss),
                again =>
                {
                    request.Past = again ? MaxLast : request.Past;
                    return call.Connection.Admin.WatchEvents(request, cancellationToken: call.Cancel);
                },
                happened => happened.Time,
                happened =>
                {
                    // A relay that was started anew counts from one.
                    if (before > 0 && happened.Sequence - before - 1 is > 0 and var lost)
                    {
                        call.Error.WriteLine($"warning: {Units.Count(lost)} event{(lost == 1 ? " was" : "s were")} lost: too many at once");
                    }

                    before = happened.Sequence;
                    Print(call, happened);
                });
        });
    }

    private static async Task<int> ShowAsync(AdminCall call, WatchEventsRequest request)
    {
        using var stream = call.Connection.Admin.WatchEvents(request, call.Unary);
        call.Output.Begin(EventEntry.Descriptor);
        var isEmpty = true;
        for (; await stream.ResponseStream.MoveNext(call.Cancel); isEmpty = false)
        {
            Print(call, stream.ResponseStream.Current);
        }

        if (isEmpty && call.Output.IsText)
        {
            call.Output.Line("No events.");
        }

        return ExitCodes.Ok;
    }

    private static void Print(AdminCall call, EventEntry happened)
    {
        var reason = happened.Reason.Length > 0 ? $"  ({happened.Reason})" : "";
        call.Output.Entry(happened, () => Printable.Clean($"{Units.Time(happened.Time)} {happened.Kind} {happened.Who}  {happened.Text}{reason}"));
    }
}
