using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Relay.AdminApi;
using Relay.AdminAuth;
using Relay.Sessions;
using Relay.Upgrade;

namespace Relay.Admin;

/// <summary>The gRPC service of upgrades: request, one call, progress.</summary>
internal sealed class UpgradeService(Upgrader upgrader, Drainer drainer, TimeProvider time) : AdminApi.UpgradeService.UpgradeServiceBase
{
    private static readonly TimeSpan ProgressInterval = TimeSpan.FromSeconds(1);

    public override async Task Upgrade(UpgradeRequest request, IServerStreamWriter<UpgradeProgress> responseStream, ServerCallContext context)
    {
        var (rate, deadline) = DrainCommands.Check(request.Rate, request.Deadline, request.Reason);
        if (upgrader.Objection is { } objection)
        {
            throw AdminErrors.Precondition(objection);
        }

        var upgrade = upgrader.RunAsync(rate, deadline, AdminCaller.Of(context).Who, request.Reason);
        try
        {
            await FollowAsync(upgrade, responseStream, context.CancellationToken);
        }
        catch (UpgradeException exception)
        {
            throw new RpcException(new Grpc.Core.Status(StatusCode.Aborted, $"the relay goes on as before: {exception.Message}"));
        }
        catch (OperationCanceledException)
        {
            // The caller hung up; the upgrade goes on, and is logged.
        }
    }

    private async Task FollowAsync(Task<UpgradeResult> upgrade, IServerStreamWriter<UpgradeProgress> stream, CancellationToken hangUp)
    {
        do
        {
            await stream.WriteAsync(new UpgradeProgress { State = UpgradeProgress.Types.State.Starting }, hangUp);
            using var next = CancellationTokenSource.CreateLinkedTokenSource(hangUp);
            await Task.WhenAny(upgrade, Task.Delay(ProgressInterval, time, next.Token));
            await next.CancelAsync();
            hangUp.ThrowIfCancellationRequested();
        }
        while (!upgrade.IsCompleted);

        var result = await upgrade;
        await stream.WriteAsync(
            new UpgradeProgress
            {
                State = UpgradeProgress.Types.State.Done,
                ProcessId = result.ProcessId,
                Version = result.Version,
                Pause = Duration.FromTimeSpan(result.Pause),
                Remaining = drainer.State().Remaining,
                Moved = result.Moved.Count,
                Standstill = Duration.FromTimeSpan(result.Moved.Standstill),
            },
            hangUp);
    }
}
