using System.CommandLine;
using Google.Protobuf.WellKnownTypes;
using Relay.AdminApi;

namespace Relay.AdminCli.Commands;

/// <summary>Who changed what, when and why, and which calls were rejected.</summary>
internal static class AuditCommand
{
    private const int DefaultLast = 20;
    private const int MaxLast = 1_000_000;
    private const int LargestPage = 1000;
    private static readonly TimeSpan MinSince = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan MaxSince = TimeSpan.FromDays(3650);
    private static readonly TimeSpan BetweenLooks = TimeSpan.FromSeconds(1);

    public static Command Create(GlobalOptions globals, CommandContext context)
    {
        var last = new Option<int?>("--last", "-n")
        {
            Description = "Number of entries, the newest, 1 to 1,000,000; 0: all (default 20; with --since: all).",
            HelpName = "entries",
            CustomParser = ArgumentParsers.Whole<int>("--last", 0, MaxLast),
        };
        var since = new Option<TimeSpan?>("--since")
        {
            Description = "Only entries of this last while, 1s to 3650d.",
            HelpName = "time",
            CustomParser = ArgumentParsers.Duration("--since", MinSince, MaxSince, "30m, 12h or 7d"),
        };
        var who = new Option<string?>("--who") { Description = "Only entries whose caller contains this text: a user name, uid=1000, the name of a token or certificate.", HelpName = "text" };
        var method = new Option<string?>("--method") { Description = "Only methods whose name contains this text: ChangePolicy, change-policy, token.", HelpName = "text" };
        var follow = new Option<bool>("--follow", "-f") { Description = "Keep printing new entries as they are written. Ctrl-C ends it with exit code 0." };
        var command = new ExampleCommand(
            "audit",
            "Shows who changed what, when and why, and which calls were rejected.",
            "Oldest first, so that the newest is at the bottom. Read-only calls are not audited. A second line shows what changed: before -> after. "
                + "With -o json: one object {\"entries\":[...],\"damagedLines\":N}, newest first; with --follow one object per line. With --follow it goes on when the relay was lost.",
            "relayctl audit                                # the last 20",
            "relayctl audit --since 1h --method limit      # who changed limits in the last hour",
            "relayctl audit --who kay --last 0             # everything kay did",
            "relayctl audit -f -o jsonl | jq -r .who")
        {
            last,
            since,
            who,
            method,
            follow,
        };
        var exitOnLoss = WatchFlags.AddExitOnLoss(command, follow);
        return command.WithAction(globals, context, call =>
        {
            var request = new ListAuditRequest { Who = call.Options.GetValue(who) ?? "", Method = call.Options.GetValue(method) ?? "" };
            if (call.Options.GetValue(since) is { } age)
            {
                request.Since = (call.Context.Clock.GetUtcNow() - age).ToTimestamp();
            }

            var count = call.Options.GetValue(last) ?? (request.Since is null ? DefaultLast : 0);
            count = count == 0 ? int.MaxValue : count;
            return call.Options.GetValue(follow)
                ? FollowAsync(call, new Outage(call, call.Options.GetValue(exitOnLoss), announces: true), request, count)
                : ShowAsync(call, request, count);
        });
    }

    private static async Task<int> ShowAsync(AdminCall call, ListAuditRequest request, int count)
    {
        var listed = await FetchAsync(call, request, count);
        call.Output.List(listed, [ListAuditResponse.EntriesFieldNumber], () =>
        {
            if (listed.Entries.Count == 0)
            {
                call.Output.Line("No entries.");
            }

            foreach (var line in listed.Entries.Reverse().SelectMany(AuditLine.Format))
            {
                call.Output.Line(line);
            }
        });
        Complain(call, listed);
        return ExitCodes.Ok;
    }

    private static Task<int> FollowAsync(AdminCall call, Outage outage, ListAuditRequest request, int count) => outage.RunAsync(async () =>
    {
        ListAuditResponse listed = new();
        for (; ; await Task.Delay(BetweenLooks, call.Context.Clock, call.Cancel))
        {
            var wanted = outage.HasAnswered ? int.MaxValue : count;
            while (!await outage.TryAsync(async () => listed = await FetchAsync(call, request, wanted)))
            {
                // The relay is gone; each try waits by itself.
            }

            if (request.AfterSequence == 0)
            {
                Complain(call, listed);
            }

            call.Output.Begin(AuditRecord.Descriptor);
            Print(call, listed);
            request.AfterSequence = Math.Max(request.AfterSequence, listed.Entries.Select(entry => entry.Sequence).DefaultIfEmpty().Max());
        }
    });

    private static async Task<ListAuditResponse> FetchAsync(AdminCall call, ListAuditRequest request, int count)
    {
        var listed = new ListAuditResponse();
        request = request.Clone();
        do
        {
            request.PageSize = Math.Min(count - listed.Entries.Count, LargestPage);
            var page = await call.Connection.Admin.ListAuditAsync(request, call.Unary);
            listed.Entries.Add(page.Entries);
            listed.DamagedLines += page.DamagedLines;
            request.PageToken = page.NextPageToken;
        }
        while (request.PageToken.Length > 0 && listed.Entries.Count < count);

        return listed;
    }

    // Oldest first.
    private static void Print(AdminCall call, ListAuditResponse listed)
    {
        foreach (var entry in listed.Entries.Reverse())
        {
            call.Output.Entry(entry, () => string.Join('\n', AuditLine.Format(entry)));
        }
    }

    // Not on the output: it is no entry.
    private static void Complain(AdminCall call, ListAuditResponse listed)
    {
        if (listed.DamagedLines > 0)
        {
            call.Error.WriteLine($"warning: {Units.Count(listed.DamagedLines)} damaged line{(listed.DamagedLines == 1 ? "" : "s")} skipped; a crash while writing leaves one");
        }
    }
}
