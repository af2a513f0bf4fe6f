using System.CommandLine;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Relay.AdminApi;

namespace Relay.AdminCli.Commands;

/// <summary>Drains the relay, and shows the progress.</summary>
internal static class DrainCommand
{
    // The relay reports it each second.
    private static readonly TimeSpan BetweenProgress = TimeSpan.FromSeconds(1);

    public static Command Create(GlobalOptions globals, CommandContext context)
    {
        var rate = DrainFlags.RateOption("Clients disconnected per second");
        var deadline = DrainFlags.DeadlineOption("Disconnect everyone still connected after this time");
        var cancel = new Option<bool>("--cancel") { Description = "Cancel the drain, and accept new connections again." };
        var node = new Option<string?>("--node")
        {
            Description = "Drain this node of the cluster, or cancel its drain, instead of the relay that is called. There is no drain of all at once: their clients would have nowhere to go.",
            HelpName = "name",
        };
        var reason = ChangeFlags.ReasonOption();
        var command = new ExampleCommand(
            "drain",
            "Drains all clients, for example before an upgrade.",
            "The relay is no longer ready and answers new connections with 503 at once; connected clients are closed with 1012, the longest idle first, at --rate with jitter. "
                + "Shows the progress until no client is left. Ctrl-C stops watching, the drain continues; --cancel cancels it.",
            "relayctl drain --rate 200 --deadline 2m --reason 'upgrade to 1.4'",
            "relayctl drain --node b --reason 'new kernel'   # another node, through this one",
            "relayctl drain --cancel")
        {
            rate,
            deadline,
            cancel,
            node,
            reason,
        };
        command.Validators.Add(result =>
        {
            if (result.GetValue(cancel) && (result.GetResult(rate) is not null || result.GetResult(deadline) is not null))
            {
                result.AddError("--cancel cannot be combined with --rate or --deadline.");
            }
        });
        return command.WithAction(globals, context, async call =>
        {
            var name = call.Options.GetValue(node) ?? "";
            if (call.Options.GetValue(cancel))
            {
                var cancelled = new CancelDrainRequest { Reason = call.Options.GetValue(reason) ?? "", Node = name };
                Show(call, await call.Connection.Connections.CancelDrainAsync(cancelled, call.Unary));
                return ExitCodes.Ok;
            }

            var request = new DrainRequest { Rate = call.Options.GetValue(rate) ?? 0, Reason = call.Options.GetValue(reason) ?? "", Node = name };
            if (call.Options.GetValue(deadline) is { } time)
            {
                request.Deadline = time.ToDuration();
            }

            using var stream = call.Connection.Connections.Drain(request, cancellationToken: call.Cancel);
            return await FollowAsync(call, stream, name);
        });
    }

    private static async Task<int> FollowAsync(AdminCall call, AsyncServerStreamingCall<DrainProgress> stream, string node)
    {
        DrainProgress? last = null;
        try
        {
            while (await call.SoonAsync(stream.ResponseStream.MoveNext(call.Cancel), BetweenProgress + call.Connection.Timeout))
            {
                last = stream.ResponseStream.Current;
                Show(call, last);
            }

            // Cancelled by another operator: a script that waits for the relay to be empty must not go on.
            return last?.State == DrainProgress.Types.State.Done ? ExitCodes.Ok : ExitCodes.Rejected;
        }
        catch (Exception e) when (last is not null && call.IsLoss(e))
        {
            return call.Lost();
        }
        catch (Exception e) when (last is not null && call.IsInterrupt(e))
        {
            call.Error.WriteLine($"The drain continues. To cancel it: relayctl drain --cancel{(node.Length > 0 ? $" --node {Printable.Clean(node)}" : "")}");
            return ExitCodes.Ok;
        }
    }

    private static void Show(AdminCall call, DrainProgress progress) => call.Output.Entry(progress, () => progress.State switch
    {
        DrainProgress.Types.State.Done => $"Drained: {Units.Count(progress.Closed)} closed, no client is connected. New connections are still refused.",
        DrainProgress.Types.State.Cancelled => $"Drain cancelled. {Clients(progress.Remaining)} connected, accepting new connections.",
        _ => $"draining   {Units.Count(progress.Remaining)} left   {Units.Count(progress.Closed)} closed   done in about {Units.Duration(progress.Estimate)}",
    });

    private static string Clients(long count) => count == 1 ? "1 client" : $"{Units.Count(count)} clients";
}
