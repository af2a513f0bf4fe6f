using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Relay.AdminApi;

namespace Relay.Dashboard.Live;

/// <summary>
/// The relay's figures, once a second, for everything on one open page: two snapshots, however long it is open. A relay that is lost is
/// called again until it answers.
/// </summary>
internal sealed class LiveStats(RelayAccess access, TimeProvider clock) : IAsyncDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    // A relay that hangs must not look like one where nothing happens.
    private static readonly TimeSpan Silence = TimeSpan.FromSeconds(6);

    private readonly CancellationTokenSource _closed = new();
    private CancellationTokenSource? _current;
    private Task _work = Task.CompletedTask;
    private long? _lostSince;

    /// <summary>A snapshot came, or the relay was lost. Raised on another thread than the page's.</summary>
    public event Action? Changed;

    public Stats? Now { get; private set; }

    public Stats? Before { get; private set; }

    /// <summary>Why there is no relay; null while there is one.</summary>
    public string? Problem { get; private set; }

    /// <summary>For how long it has been lost.</summary>
    public TimeSpan Lost => _lostSince is { } since ? clock.GetElapsedTime(since) : TimeSpan.Zero;

    /// <summary>Follows the relay that is chosen now, and no other any more.</summary>
    public async Task FollowAsync()
    {
        await StopAsync();
        (Now, Before, Problem, _lostSince) = (null, null, null, null);
        _current = CancellationTokenSource.CreateLinkedTokenSource(_closed.Token, access.Session.Ended);
        var cancel = _current.Token;
        // Not in the page's own turn.
        _work = Task.Run(() => RunAsync(cancel), CancellationToken.None);
    }

    public async ValueTask DisposeAsync()
    {
        await _closed.CancelAsync();
        await StopAsync();
        _closed.Dispose();
    }

    private async Task StopAsync()
    {
        if (_current is { } current)
        {
            await current.CancelAsync();
            await _work;
            current.Dispose();
            _current = null;
        }
    }

    private async Task RunAsync(CancellationToken cancel)
    {
        while (!cancel.IsCancellationRequested)
        {
            try
            {
                await access.IdentifyAsync(cancel);
                await ReadAsync(cancel);
                Lose("The relay is stopping.");
            }
            catch (RelayProblem problem)
            {
                Lose(problem.Message);
            }
            catch (RpcException e) when (!cancel.IsCancellationRequested)
            {
                Lose(access.Link.Problem(e).Message);
            }
            catch (Exception e) when (e is RpcException or OperationCanceledException or ObjectDisposedException)
            {
                // The page was closed, or its operator logged out.
            }

            await Task.Delay(Interval, clock, cancel).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        // The page says that its operator has logged out.
        Changed?.Invoke();
    }

    private async Task ReadAsync(CancellationToken cancel)
    {
        using var stream = access.Link.Connection.Admin.WatchStats(new WatchStatsRequest { Interval = Interval.ToDuration() }, cancellationToken: cancel);
        while (await NextAsync(stream, cancel))
        {
            (Before, Now, Problem, _lostSince) = (Now, stream.ResponseStream.Current, null, null);
            Changed?.Invoke();
        }
    }

    private async Task<bool> NextAsync(AsyncServerStreamingCall<Stats> stream, CancellationToken cancel)
    {
        try
        {
            return await stream.ResponseStream.MoveNext(cancel).WaitAsync(Silence, clock, cancel);
        }
        catch (TimeoutException)
        {
            throw new RelayProblem($"The relay at {access.Link.Address} does not answer.", StatusCode.DeadlineExceeded);
        }
    }

    private void Lose(string problem)
    {
        Problem = problem;
        _lostSince ??= clock.GetTimestamp();
        // Rates over the gap would be wrong, above all after a restart.
        Before = null;
        Changed?.Invoke();
    }
}
