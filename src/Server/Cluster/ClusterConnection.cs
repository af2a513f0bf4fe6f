using System.Collections.Concurrent;
using NATS.Client.Core;

namespace Relay.Cluster;

/// <summary>
/// The connection to NATS. It is made anew whenever it breaks, on any of the servers, with all subscriptions. Who starts without
/// a server goes on alone, and is connected when there is one.
/// </summary>
internal sealed partial class ClusterConnection(ClusterOptions options, TimeProvider time, ILogger<ClusterConnection> logger) : IAsyncDisposable
{
    public static readonly TimeSpan RetryInterval = TimeSpan.FromSeconds(1);

    // All there are: the library holds none of them.
    private readonly ConcurrentDictionary<BusSubscription, bool> _subscriptions = [];

    // To be made when NATS can be reached.
    private readonly ConcurrentQueue<BusSubscription> _waiting = [];
    private readonly TaskCompletionSource _opened = new(TaskCreationOptions.RunContinuationsAsynchronously);

    // Written at start.
    private NatsConnection? _nats;

    /// <summary>Raised when NATS can be reached, the first time and again, after all subscriptions were made. From a thread of the pool.</summary>
    public event Action? Connected;

    /// <summary>Raised when NATS cannot be reached any more.</summary>
    public event Action? Disconnected;

    public bool IsUp => _nats?.ConnectionState == NatsConnectionState.Open && _opened.Task.IsCompleted;

    /// <summary>The library's connection; null before the start.</summary>
    public INatsConnection? Nats => _nats;

    /// <summary>The servers, for messages.</summary>
    public string Servers => string.Join(", ", options.Nats.Select(NatsAddress.WithoutPassword));

    /// <summary>Throws <see cref="ClusterException"/> when NATS refuses the relay, or is not there and <see cref="ClusterOptions.Required"/>.</summary>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        var settings = NatsSettings.From(options);
        var isThere = await TryReachAsync(settings);
        _nats = new NatsConnection(settings with { RetryOnInitialConnect = true });
        _nats.ConnectionOpened += (_, _) => OnOpenedAsync();
        _nats.ConnectionDisconnected += (_, _) => OnDisconnected();
        _ = ConnectAsync(_nats);
        if (isThere)
        {
            await _opened.Task.WaitAsync(options.StartTimeout, time, cancellationToken);
        }
    }

    /// <summary>Subscribes now, or when NATS is back.</summary>
    public async ValueTask SubscribeAsync(BusSubscription subscription)
    {
        _subscriptions.TryAdd(subscription, true);
        _waiting.Enqueue(subscription);
        if (IsUp)
        {
            await SubscribeWaitingAsync();
        }
    }

    public async ValueTask UnsubscribeAsync(BusSubscription subscription)
    {
        if (_subscriptions.TryRemove(subscription, out _))
        {
            await EndAsync(subscription);
        }
    }

    /// <summary>Makes the subscriptions that NATS, though it was there, did not take in time.</summary>
    public void RetrySubscriptions()
    {
        if (IsUp && !_waiting.IsEmpty)
        {
            _ = SubscribeWaitingAsync().AsTask();
        }
    }

    /// <summary>Waits until NATS has done all that it was asked before; false: it is away.</summary>
    public async Task<bool> FlushAsync()
    {
        using var patience = new CancellationTokenSource(options.AnswerTimeout, time);
        try
        {
            if (IsUp)
            {
                await _nats!.PingAsync(patience.Token);
                return true;
            }
        }
        catch (Exception exception) when (exception is OperationCanceledException or NatsException or ObjectDisposedException)
        {
            // It has gone, or does not answer.
        }

        return false;
    }

    public async ValueTask DisposeAsync()
    {
        if (_nats is null)
        {
            return;
        }

        try
        {
            await _nats.DisposeAsync();
        }
        catch (NatsException)
        {
            // It unsubscribes from everything one by one, which may take too long; the connection ends with the process.
        }
    }

    // False: no server answers, and the relay goes on alone. It asks with a connection of its own: one that tries again and again does not say why.
    private async Task<bool> TryReachAsync(NatsOpts settings)
    {
        await using var nats = new NatsConnection(settings);
        try
        {
            await nats.ConnectAsync().AsTask().WaitAsync(options.StartTimeout, time);
            return true;
        }
        catch (Exception exception) when (exception is NatsException or TimeoutException)
        {
            var reason = exception.GetBaseException().Message;
            if (reason.Contains("uthorization", StringComparison.Ordinal) || reason.Contains("uthentication", StringComparison.Ordinal))
            {
                throw new ClusterException($"NATS at {Servers} refuses this relay ({reason}); set user and password in Cluster:Nats, or Cluster:Credentials", exception);
            }

            if (options.Required)
            {
                throw new ClusterException($"no NATS server at {Servers} can be reached ({reason}), and Cluster:Required is set", exception);
            }

            Log.Alone(logger, Servers, reason);
            return false;
        }
    }

    private static async Task ConnectAsync(NatsConnection nats)
    {
        try
        {
            await nats.ConnectAsync();
        }
        catch (Exception exception) when (exception is NatsException or ObjectDisposedException or OperationCanceledException)
        {
            // The relay stops.
        }
    }

    private async ValueTask OnOpenedAsync()
    {
        await SubscribeWaitingAsync();
        Log.Connected(logger, Servers);
        _opened.TrySetResult();

        // Of whoever found the connection closed in between.
        await SubscribeWaitingAsync();
        Connected?.Invoke();
    }

    private async ValueTask SubscribeWaitingAsync()
    {
        for (var left = _waiting.Count; left > 0 && _waiting.TryDequeue(out var subscription); left--)
        {
            if (_subscriptions.ContainsKey(subscription) && !await TryAddAsync(subscription))
            {
                _waiting.Enqueue(subscription);
            }
        }
    }

    private ValueTask OnDisconnected()
    {
        Log.Disconnected(logger, Servers);
        Disconnected?.Invoke();
        return ValueTask.CompletedTask;
    }

    private async Task<bool> TryAddAsync(BusSubscription subscription)
    {
        using var patience = new CancellationTokenSource(options.AnswerTimeout, time);
        try
        {
            await subscription.BeginAsync(_nats!, patience.Token);
        }
        catch (Exception)
        {
            // Whatever it was: it is tried again.
            return false;
        }

        if (!_subscriptions.ContainsKey(subscription))
        {
            // Unsubscribed meanwhile.
            await EndAsync(subscription);
        }

        return true;
    }

    private static async ValueTask EndAsync(BusSubscription subscription)
    {
        try
        {
            await subscription.EndAsync();
        }
        catch (Exception)
        {
            // NATS is away, or the relay stops; what it does not know it does not subscribe to again.
        }
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "No NATS server at {Servers} can be reached ({Reason}): this relay serves its own clients alone until one can")]
        public static partial void Alone(ILogger logger, string servers, string reason);

        [LoggerMessage(2, LogLevel.Information, "Connected to NATS at {Servers}")]
        public static partial void Connected(ILogger logger, string servers);

        [LoggerMessage(3, LogLevel.Warning, "The connection to NATS at {Servers} is lost: this relay serves its own clients alone until it is back")]
        public static partial void Disconnected(ILogger logger, string servers);
    }
}
