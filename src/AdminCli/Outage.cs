using Grpc.Core;

namespace Relay.AdminCli;

/// <summary>
/// What runs until Ctrl-C survives a restart: a relay that was lost is called again every second until it answers, unless the command is to end
/// with it. A relay that never answered is not waited for.
/// </summary>
/// <param name="announces">Says on standard error when the relay is lost and when it is back.</param>
internal sealed class Outage(AdminCall call, bool exitOnLoss, bool announces)
{
    private static readonly TimeSpan BetweenCalls = TimeSpan.FromSeconds(1);

    private long? _since;

    public bool HasAnswered { get; private set; }

    /// <summary>How long the relay has been gone.</summary>
    public TimeSpan Length => _since is { } since ? call.Context.Clock.GetElapsedTime(since) : TimeSpan.Zero;

    /// <summary>One step of a command, after a pause if the one before has failed; false while the relay is gone.</summary>
    public async Task<bool> TryAsync(Func<Task> step)
    {
        try
        {
            if (_since is not null)
            {
                await Task.Delay(BetweenCalls, call.Context.Clock, call.Cancel);
            }

            await step();
        }
        catch (RpcException e) when (HasAnswered && !exitOnLoss && (call.IsLoss(e) || e.StatusCode is StatusCode.Unavailable or StatusCode.DeadlineExceeded))
        {
            if (_since is null && announces)
            {
                call.Error.WriteLine($"Disconnected from the relay at {call.Connection.Address}, reconnecting.");
            }

            _since ??= call.Context.Clock.GetTimestamp();
            return false;
        }

        if (_since is not null && announces)
        {
            call.Error.WriteLine($"Reconnected; was disconnected for {Units.Duration(Length)}.");
        }

        (HasAnswered, _since) = (true, null);
        return true;
    }

    /// <summary>Runs what lives on such steps, and says how it ended: with Ctrl-C all is well.</summary>
    public async Task<int> RunAsync(Func<Task<int>> run)
    {
        try
        {
            return await run();
        }
        catch (Exception e) when (HasAnswered && call.IsLoss(e))
        {
            return call.Lost();
        }
        catch (Exception e) when (call.IsInterrupt(e))
        {
            return ExitCodes.Ok;
        }
    }
}
