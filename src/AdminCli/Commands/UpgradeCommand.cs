using System.CommandLine;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Relay.AdminApi;

namespace Relay.AdminCli.Commands;

/// <summary>Has a new process take the place of the relay.</summary>
internal static class UpgradeCommand
{
    // The relay reports it each second.
    private static readonly TimeSpan BetweenProgress = TimeSpan.FromSeconds(1);

    public static Command Create(GlobalOptions globals, CommandContext context)
    {
        var rate = DrainFlags.RateOption("Clients of the old process disconnected per second");
        var deadline = DrainFlags.DeadlineOption("Disconnect everyone still connected to the old process after this time");
        var reason = ChangeFlags.ReasonOption();
        return new ExampleCommand(
            "upgrade",
            "Has a new process, of the program on the disk, take over.",
            "The relay starts its program again, with the same command line and environment, and passes it the listening sockets: no connection is refused. When the new process "
                + "has started, clients on plain TCP move to it and do not notice; the old one closes the others with 1012 at --rate, and ends. If the new one cannot start, the old one goes on as before (exit code 1). "
                + "Ctrl-C stops watching, the upgrade continues. Requires role admin.",
            "relayctl upgrade --reason 'to 1.4'",
            "relayctl upgrade --rate 500 --deadline 2m")
        {
            rate,
            deadline,
            reason,
        }.WithAction(globals, context, async call =>
        {
            var request = new UpgradeRequest { Rate = call.Options.GetValue(rate) ?? 0, Reason = call.Options.GetValue(reason) ?? "" };
            if (call.Options.GetValue(deadline) is { } time)
            {
                request.Deadline = time.ToDuration();
            }

            using var stream = call.Connection.Upgrade.Upgrade(request, cancellationToken: call.Cancel);
            return await FollowAsync(call, stream);
        });
    }

    private static async Task<int> FollowAsync(AdminCall call, AsyncServerStreamingCall<UpgradeProgress> stream)
    {
        UpgradeProgress? last = null;
        try
        {
            while (await call.SoonAsync(stream.ResponseStream.MoveNext(call.Cancel), BetweenProgress + call.Connection.Timeout))
            {
                var isFirst = last is null;
                last = stream.ResponseStream.Current;
                Show(call, last, isFirst);
            }

            return last?.State == UpgradeProgress.Types.State.Done ? ExitCodes.Ok : ExitCodes.Rejected;
        }
        catch (Exception e) when (last is not null && call.IsLoss(e))
        {
            // The old process ends soon after its last answer.
            return last.State == UpgradeProgress.Types.State.Done ? ExitCodes.Ok : call.Lost();
        }
        catch (Exception e) when (last is not null && call.IsInterrupt(e))
        {
            call.Error.WriteLine("The upgrade continues; `relayctl events` says how it ends.");
            return ExitCodes.Ok;
        }
    }

    private static void Show(AdminCall call, UpgradeProgress progress, bool isFirst)
    {
        // People see its beginning and its end.
        if (isFirst || progress.State == UpgradeProgress.Types.State.Done || !call.Output.IsText)
        {
            call.Output.Entry(progress, () => Line(progress));
        }
    }

    private static string Line(UpgradeProgress progress) =>
        progress.State != UpgradeProgress.Types.State.Done ? "A new process is started ..."
        : $"Process {progress.ProcessId} serves, relayd {Printable.Clean(progress.Version)}. {Pause(progress)}\n"
            + (progress.Moved == 0 ? "" : $"{Clients(progress.Moved)} moved to it; nothing came or went for {Milliseconds(progress)} ms.\n")
            + (progress.Remaining == 0
                ? "The old process has no clients left, and ends."
                : $"The old process disconnects {Clients(progress.Remaining)} that cannot move, and ends.");

    private static string Clients(long count) => count == 1 ? "1 client" : $"{Units.Count(count)} clients";

    private static string Milliseconds(UpgradeProgress progress) =>
        FormattableString.Invariant($"{progress.Standstill?.ToTimeSpan().TotalMilliseconds ?? 0:0}");

    private static string Pause(UpgradeProgress progress) =>
        FormattableString.Invariant($"Changes and what needs the database waited {progress.Pause?.ToTimeSpan().TotalSeconds ?? 0:0.0} s.");
}
