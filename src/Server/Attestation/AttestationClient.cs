using System.Net.Http.Headers;
using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using System.Text.Unicode;
using Relay.Addresses;
using Relay.Protocol;

namespace Relay.Attestation;

/// <summary>
/// HTTP to the authority that sets challenges and verifies the answers. What it cannot do in time, within bounds and at the
/// first attempt has failed: nothing is tried again, so a sick authority never gets more than it was sent by clients.
/// </summary>
internal sealed partial class AttestationClient : IDisposable
{
    private const int MaxAnswerBytes = 64 * 1024;
    private const int MaxNonceLength = 256;

    private static readonly JsonDocumentOptions Json = new() { MaxDepth = 16 };
    private static readonly TimeSpan BetweenWarnings = TimeSpan.FromMinutes(1);

    // Fixed after construction.
    private readonly AttestationOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger<AttestationClient> _logger;
    private readonly HttpClient _http;
    private readonly AuthorityPlaces _places;

    // Atomic.
    private readonly long[] _outcomes = new long[AttestationCounts.Labels.Length];
    private long _lastWarned;

    public AttestationClient(AttestationOptions options, TimeProvider time, ILogger<AttestationClient> logger)
    {
        _options = options;
        _time = time;
        _logger = logger;
        _places = new AuthorityPlaces(options.MaxRequests);

        // One handler for the life of the process; the lifetime of its connections lets a changed address be found. A redirect
        // would send a client's tokens to a host that the operator has not named.
        _http = new HttpClient(new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            UseCookies = false,
            PooledConnectionLifetime = TimeSpan.FromMinutes(2),
            ConnectTimeout = options.RequestTimeout,
            MaxConnectionsPerServer = options.MaxRequests,
        })
        {
            Timeout = Timeout.InfiniteTimeSpan,
            MaxResponseContentBufferSize = MaxAnswerBytes,
        };
    }

    public AttestationCounts Counts() =>
        new(_places.Count, [.. Enumerable.Range(0, _outcomes.Length).Select(i => Interlocked.Read(ref _outcomes[i]))]);

    /// <summary>A challenge for this device of a client at this address, or null when there is none to be had; <paramref name="gone"/> ends the wait.</summary>
    public Task<Challenge?> ChallengeAsync(IpKey address, string buildToken, string deviceId, CancellationToken gone) => PostAsync(
        address,
        "challenge",
        new ChallengeQuestion(buildToken, deviceId, BuildToken.Version(buildToken)),
        AuthorityJson.Default.ChallengeQuestion,
        answer => Text(answer, "nonce") is { Length: <= MaxNonceLength } nonce
            && answer.TryGetProperty("regions", out var regions) && regions.ValueKind == JsonValueKind.Array
                ? new Challenge(nonce, regions.GetRawText())
                : null,
        gone);

    /// <summary>The authority's verdict, or null when there is none to be had; <paramref name="gone"/> ends the wait.</summary>
    public Task<Verdict?> VerifyAsync(IpKey address, string deviceId, string nonce, RawJson responses, CancellationToken gone) => PostAsync(
        address,
        "verify",
        new VerifyQuestion(deviceId, nonce, responses),
        AuthorityJson.Default.VerifyQuestion,
        answer => answer.TryGetProperty("valid", out var valid) && valid.ValueKind is JsonValueKind.True or JsonValueKind.False
            ? new Verdict(valid.GetBoolean(), Text(answer, "session_token"))
            : null,
        gone);

    public void Dispose()
    {
        _http.Dispose();
    }

    private async Task<TAnswer?> PostAsync<TQuestion, TAnswer>(
        IpKey address, string path, TQuestion question, JsonTypeInfo<TQuestion> type, Func<JsonElement, TAnswer?> read, CancellationToken gone)
        where TAnswer : class
    {
        if (_places.TryEnter(address) is not { } place)
        {
            Count(AuthorityOutcome.Busy, $"{_options.MaxRequests} requests are in progress");
            return null;
        }

        try
        {
            using var timeout = new CancellationTokenSource(_options.RequestTimeout, _time);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, gone, place.Displaced);
            using var content = new ByteArrayContent(JsonSerializer.SerializeToUtf8Bytes(question, type));
            content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
            using var response = await _http.PostAsync($"{_options.AuthorityUrl.TrimEnd('/')}/attest/{path}", content, either.Token);
            if (!response.IsSuccessStatusCode)
            {
                Count(AuthorityOutcome.Rejected, $"status {(int)response.StatusCode}");
                return null;
            }

            var answer = Read(await response.Content.ReadAsByteArrayAsync(either.Token), read);
            Count(answer is null ? AuthorityOutcome.Unusable : AuthorityOutcome.Answered, $"to {path}");
            return answer;
        }
        catch (OperationCanceledException)
        {
            Count(
                gone.IsCancellationRequested ? AuthorityOutcome.Abandoned
                    : place.Displaced.IsCancellationRequested ? AuthorityOutcome.Busy
                    : AuthorityOutcome.TimedOut,
                $"within {_options.RequestTimeout}");
            return null;
        }
        catch (HttpRequestException exception)
        {
            // Not the exception's text: it may quote what the authority sent.
            var isTooLong = exception.HttpRequestError == HttpRequestError.ConfigurationLimitExceeded;
            Count(isTooLong ? AuthorityOutcome.Unusable : AuthorityOutcome.Unreachable, $"{exception.HttpRequestError}");
            return null;
        }
        finally
        {
            _places.Leave(place);
        }
    }

    private static TAnswer? Read<TAnswer>(byte[] body, Func<JsonElement, TAnswer?> read)
        where TAnswer : class
    {
        // Parts of it go into a text frame, so it must be UTF-8 throughout; the parser looks only where it must.
        if (!Utf8.IsValid(body))
        {
            return null;
        }

        try
        {
            using var document = JsonDocument.Parse(body, Json);
            return document.RootElement.ValueKind == JsonValueKind.Object ? read(document.RootElement) : null;
        }
        catch (JsonException)
        {
            // The authority's error: the caller counts it.
            return null;
        }
    }

    private static string? Text(JsonElement answer, string name) =>
        answer.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String
        && JsonText.Decode(JsonMarshal.GetRawUtf8Value(value)) is { Length: > 0 } text ? text : null;

    private void Count(AuthorityOutcome outcome, string detail)
    {
        Interlocked.Increment(ref _outcomes[(int)outcome]);
        if (outcome is AuthorityOutcome.Answered or AuthorityOutcome.Abandoned)
        {
            return;
        }

        // Clients decide how often this happens; they must not decide how much is logged.
        var last = Interlocked.Read(ref _lastWarned);
        if ((last == 0 || _time.GetElapsedTime(last) >= BetweenWarnings)
            && Interlocked.CompareExchange(ref _lastWarned, _time.GetTimestamp(), last) == last)
        {
            Log.Failed(_logger, AttestationCounts.Labels[(int)outcome], detail);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "A request to the attestation authority failed: {Outcome}, {Detail}. Logged once a minute at most; /metrics counts all")]
        public static partial void Failed(ILogger logger, string outcome, string detail);
    }
}
