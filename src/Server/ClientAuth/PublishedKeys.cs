using System.Net;

namespace Relay.ClientAuth;

/// <summary>
/// The keys at Clients:Auth:JwksUrl: fetched at the start, every five minutes, and when a token names a key that is not known, at most twice a minute whatever
/// clients show. While they cannot be fetched those that were stay in use.
/// </summary>
internal sealed partial class PublishedKeys(ClientAuthOptions options, TimeProvider time, ILogger<PublishedKeys> logger) : IDisposable
{
    public static readonly TimeSpan Interval = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan MinPause = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(5);

    private readonly HttpClient _http = AuthHttp.Create(maxConnections: 1, KeySetReader.MaxBytes);
    private readonly Lock _lock = new();

    // Replaced whole.
    private volatile KeySet _keys = KeySet.Empty;

    // Guarded by _lock.
    private Task? _fetching;
    private long? _fetchedAt;

    // Of the fetch that is under way.
    private string _problem = "";

    // Atomic.
    private long _fetched;
    private long _failed;

    public KeySet Current => _keys;

    public long Fetched => Interlocked.Read(ref _fetched);

    public long Failed => Interlocked.Read(ref _failed);

    /// <summary>Fetches them, or waits for who does.</summary>
    public Task FetchAsync()
    {
        lock (_lock)
        {
            return Fetch();
        }
    }

    /// <summary>The keys as they are after a key was asked for that is not among them: fetched again, unless they were lately.</summary>
    public async ValueTask<KeySet> FindNewAsync()
    {
        Task fetching;
        lock (_lock)
        {
            fetching = _fetching is { IsCompleted: false } || _fetchedAt is not { } last || time.GetElapsedTime(last) >= MinPause ? Fetch() : Task.CompletedTask;
        }

        await fetching;
        return _keys;
    }

    public void Dispose() => _http.Dispose();

    private Task Fetch()
    {
        if (_fetching is not { IsCompleted: false })
        {
            _fetchedAt = time.GetTimestamp();
            _fetching = Task.Run(FetchOnceAsync);
        }

        return _fetching;
    }

    private async Task FetchOnceAsync()
    {
        using var timeout = new CancellationTokenSource(Timeout, time);
        try
        {
            using var response = await _http.GetAsync(options.JwksUrl, timeout.Token);
            if (response.StatusCode != HttpStatusCode.OK)
            {
                throw new InvalidDataException($"it answers {(int)response.StatusCode}");
            }

            _keys = KeySetReader.Read(await response.Content.ReadAsByteArrayAsync(timeout.Token), isPublished: true);
            Interlocked.Increment(ref _fetched);
            if (_problem.Length > 0)
            {
                Log.Fetched(logger, _keys.Count);
            }

            _problem = "";
        }
        catch (Exception exception) when (exception is HttpRequestException or OperationCanceledException or InvalidDataException or IOException)
        {
            Interlocked.Increment(ref _failed);
            var problem = AuthHttp.Reason(exception);
            if (problem != _problem)
            {
                Log.NotFetched(logger, problem, _keys.Count);
            }

            _problem = problem;
        }
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "The keys at Clients:Auth:JwksUrl cannot be fetched: {Problem}. Keys of before that stay in use: {Count}")]
        public static partial void NotFetched(ILogger logger, string problem, int count);

        [LoggerMessage(2, LogLevel.Information, "The keys at Clients:Auth:JwksUrl are fetched again: {Count}")]
        public static partial void Fetched(ILogger logger, int count);
    }
}
