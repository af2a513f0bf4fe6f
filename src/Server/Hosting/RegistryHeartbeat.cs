using Relay.Admin;
using Relay.Admission;
using Relay.Federation;
using Relay.Federation.Bootstrap;

namespace Relay.Hosting;

/// <summary>
/// Keeps this server in the registry that Federation:BootstrapUrl names, and dials the servers that it lists. At stop it removes
/// the server, within <see cref="MaxRemoval"/>.
/// </summary>
internal sealed partial class RegistryHeartbeat(BootstrapClient registry, PeerGossip gossip, ServerSnapshot snapshot, RelayState state, TimeProvider time, ILogger<RegistryHeartbeat> logger)
    : IHostedService
{
    /// <summary>How often it looks whether something is due.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);

    private static readonly TimeSpan BeatInterval = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan MaxRemoval = TimeSpan.FromSeconds(3);

    // Of the periodic work, which never runs beside itself; read again when it has ended.
    private bool _isRegistered;
    private long? _lastTried;
    private string? _lastError;

    public async Task BeatAsync(CancellationToken stop)
    {
        if (state.HasSuccessor || (_lastTried is { } tried && time.GetElapsedTime(tried) < BeatInterval))
        {
            return;
        }

        _lastTried = time.GetTimestamp();
        var result = _isRegistered ? await registry.HeartbeatAsync(Load(), stop) : await RegisterAsync(stop);
        Report(result);
        foreach (var server in result.Servers)
        {
            gossip.Discover(server.ServerId, server.Endpoint);
        }
    }

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>The registry would name a server that is gone for five minutes.</summary>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        if (!_isRegistered || state.HasSuccessor)
        {
            return;
        }

        using var timeout = new CancellationTokenSource(MaxRemoval, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        try
        {
            await registry.RemoveAsync(either.Token);
        }
        catch (OperationCanceledException)
        {
            Log.NotRemoved(logger, MaxRemoval.TotalSeconds);
        }
    }

    private async Task<BootstrapResult> RegisterAsync(CancellationToken stop)
    {
        var registered = await registry.RegisterAsync(Load(), stop);
        _isRegistered = registered.Succeeded;
        return _isRegistered ? await registry.ListAsync(stop) : registered;
    }

    // Once for each kind of failure, and when it is over.
    private void Report(BootstrapResult result)
    {
        if (result.Error == _lastError)
        {
            return;
        }

        if (result.Error is { } error)
        {
            Log.Failed(logger, error);
        }
        else
        {
            Log.Recovered(logger);
        }

        _lastError = result.Error;
    }

    private BootstrapLoad Load()
    {
        var stats = snapshot.Read();
        return new BootstrapLoad(
            stats.Connections.Current + stats.Connections.Uncounted, stats.Connections.Relay, stats.Connections.Signaling, stats.Pairing.ActiveCodes);
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "{Error}")]
        public static partial void Failed(ILogger logger, string error);

        [LoggerMessage(2, LogLevel.Information, "The registry answers again")]
        public static partial void Recovered(ILogger logger);

        [LoggerMessage(3, LogLevel.Warning, "The registry did not answer within {Seconds} s and still has this server, for up to five minutes")]
        public static partial void NotRemoved(ILogger logger, double seconds);
    }
}
