using System.CommandLine;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Relay.AdminApi;

namespace Relay.AdminCli.Commands;

/// <summary>Empties the relay, and shows how far it is.</summary>
internal static class DrainCommand
{
    // The relay tells of it each second.
    private static readonly TimeSpan BetweenProgress = TimeSpan.FromSeconds(1);

    public static Command Create(GlobalOptions globals, CommandContext context)
    {
        var rate = new Option<int?>("--rate")
        {
            Description = "Sockets closed per second, 1 to 100,000 (default 100).",
            HelpName = "number",
            CustomParser = ArgumentParsers.Whole<int>("--rate", 1, 100_000),
        };
        var deadline = new Option<TimeSpan?>("--deadline")
        {
            Description = "When all that are left go at once, 1s to 24h (default 5m).",
            HelpName = "duration",
            CustomParser = ArgumentParsers.Duration("--deadline", TimeSpan.FromSeconds(1), TimeSpan.FromHours(24), "30s, 5m or 1h"),
        };
        var cancel = new Option<bool>("--cancel") { Description = "Stop emptying, and let newcomers in again." };
        var reason = new Option<string?>("--reason") { Description = "Why, for the audit.", HelpName = "text" };
        var command = new ExampleCommand(
            "drain",
            "Empties the relay before an upgrade.",
            "Readiness turns to draining and newcomers get 503 at once; then sockets are closed with 1012, those idle the longest first, at a bounded rate with jitter. "
                + "Shows the progress until none is left. Ctrl-C ends the showing, not the drain; --cancel takes it back.",
            "relayctl drain --rate 200 --deadline 2m --reason 'upgrade to 1.4'",
            "relayctl drain --cancel")
        {
            rate,
            deadline,
            cancel,
            reason,
        };
        command.Validators.Add(result =>
        {
            if (result.GetValue(cancel) && (result.GetResult(rate) is not null || result.GetResult(deadline) is not null))
            {
                result.AddError("--cancel goes with neither --rate nor --deadline.");
            }
        });
        return command.WithAction(globals, context, async call =>
        {
            if (call.Options.GetValue(cancel))
            {
                Show(call, await call.Connection.Connections.CancelDrainAsync(new CancelDrainRequest { Reason = call.Options.GetValue(reason) ?? "" }, call.Unary));
                return ExitCodes.Ok;
            }

            var request = new DrainRequest { Rate = call.Options.GetValue(rate) ?? 0, Reason = call.Options.GetValue(reason) ?? "" };
            if (call.Options.GetValue(deadline) is { } time)
            {
                request.Deadline = time.ToDuration();
            }

            using var stream = call.Connection.Connections.Drain(request, cancellationToken: call.Cancel);
            return await FollowAsync(call, stream);
        });
    }

    private static async Task<int> FollowAsync(AdminCall call, AsyncServerStreamingCall<DrainProgress> stream)
    {
        DrainProgress? last = null;
        try
        {
            while (await call.SoonAsync(stream.ResponseStream.MoveNext(call.Cancel), BetweenProgress + call.Connection.Timeout))
            {
                last = stream.ResponseStream.Current;
                Show(call, last);
            }

            // Taken back by somebody else: a script that waits for the relay to be empty must not go on.
            return last?.State == DrainProgress.Types.State.Done ? ExitCodes.Ok : ExitCodes.Refused;
        }
        catch (Exception e) when (last is not null && call.IsLoss(e))
        {
            return call.Lost();
        }
        catch (Exception e) when (last is not null && call.IsInterrupt(e))
        {
            call.Error.WriteLine("The drain goes on; relayctl drain --cancel takes it back.");
            return ExitCodes.Ok;
        }
    }

    private static void Show(AdminCall call, DrainProgress progress)
    {
        if (call.Output.IsJson)
        {
            call.Output.JsonLine(progress);
        }
        else
        {
            call.Output.Line(progress.State switch
            {
                DrainProgress.Types.State.Done => $"Drained: {Units.Count(progress.Closed)} closed, no client is left. Newcomers are still refused.",
                DrainProgress.Types.State.Cancelled => $"Taken back: {Clients(progress.Remaining)} still there, newcomers are let in again.",
                _ => $"draining   {Units.Count(progress.Remaining)} left   {Units.Count(progress.Closed)} closed   done in about {Units.Duration(progress.Estimate)}",
            });
        }

        call.Output.Flush();
    }

    private static string Clients(long count) => count == 1 ? "1 client is" : $"{Units.Count(count)} clients are";
}
