using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using Relay.Addresses;
using Relay.Admission;
using Relay.Transport;

namespace Relay.ClientAuth;

/// <summary>What came of a question to the hook.</summary>
internal enum HookOutcome
{
    Admitted,
    Rejected,

    /// <summary>No answer, or none that can be understood.</summary>
    Failed,
}

/// <summary>
/// Asks Clients:Auth:HookUrl about each token: POST with token and address, answered with 200 and what the client may do, with 204, or with 401 or 403. Bounded in time
/// and number: who comes above that waits among the pending handshakes, which are bounded themselves.
/// </summary>
internal sealed partial class AuthHook(ClientAuthOptions options, TimeProvider time, ILogger<AuthHook> logger) : IDisposable
{
    /// <summary>Questions at once.</summary>
    public const int MaxCalls = 64;

    private const int MaxAnswerBytes = 16 * 1024;

    // An entry of the log at most so often.
    private static readonly TimeSpan LogInterval = TimeSpan.FromMinutes(1);

    private readonly HttpClient _http = AuthHttp.Create(MaxCalls, MaxAnswerBytes);
    private readonly SemaphoreSlim _turns = new(MaxCalls);

    // Atomic.
    private readonly long[] _counts = new long[Enum.GetValues<HookOutcome>().Length];
    private int _waiting;
    private long _loggedAt;
    private long _failedSince;

    /// <summary>Clients that wait for their turn, or for the answer.</summary>
    public int Waiting => Volatile.Read(ref _waiting);

    public long Count(HookOutcome outcome) => Interlocked.Read(ref _counts[(int)outcome]);

    public async ValueTask<Credential> AskAsync(string token, IpKey address, Connection connection)
    {
        var closed = connection.Closed;
        Interlocked.Increment(ref _waiting);
        try
        {
            await _turns.WaitAsync(closed);
            try
            {
                return await AskNowAsync(token, address, closed);
            }
            finally
            {
                _turns.Release();
            }
        }
        catch (OperationCanceledException)
        {
            // The client has gone.
            return Credential.Unavailable;
        }
        finally
        {
            Interlocked.Decrement(ref _waiting);
        }
    }

    public void Dispose()
    {
        _http.Dispose();
        _turns.Dispose();
    }

    private async Task<Credential> AskNowAsync(string token, IpKey address, CancellationToken closed)
    {
        using var timeout = new CancellationTokenSource(options.HookTimeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, closed);
        string problem;
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, options.HookUrl) { Content = Question(token, address) };
            using var response = await _http.SendAsync(request, HttpCompletionOption.ResponseContentRead, either.Token);
            switch (response.StatusCode)
            {
                case HttpStatusCode.NoContent:
                    return Counted(HookOutcome.Admitted, default);
                case HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden:
                    return Counted(HookOutcome.Rejected, Credential.Unauthorized);
                case HttpStatusCode.OK when AuthClaims.TryRead(await response.Content.ReadAsByteArrayAsync(either.Token), options.PerSubject, out var subject):
                    return Counted(HookOutcome.Admitted, new Credential(Refusal.None, subject));
                case HttpStatusCode.OK:
                    problem = "its answer is not what docs/operations.md says";
                    break;
                default:
                    problem = $"it answers {(int)response.StatusCode}";
                    break;
            }
        }
        catch (Exception exception) when (exception is HttpRequestException or IOException || (exception is OperationCanceledException && !closed.IsCancellationRequested))
        {
            problem = AuthHttp.Reason(exception);
        }

        LogFailure(problem);
        return Counted(HookOutcome.Failed, options.HookFailOpen ? default : Credential.Unavailable);
    }

    private static ByteArrayContent Question(string token, IpKey address)
    {
        using var bytes = new MemoryStream();
        using (var json = new Utf8JsonWriter(bytes))
        {
            json.WriteStartObject();
            json.WriteString("token", token);
            json.WriteString("address", address.ToString());
            json.WriteEndObject();
        }

        var content = new ByteArrayContent(bytes.ToArray());
        content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        return content;
    }

    private Credential Counted(HookOutcome outcome, Credential credential)
    {
        Interlocked.Increment(ref _counts[(int)outcome]);
        return credential;
    }

    private void LogFailure(string problem)
    {
        Interlocked.Increment(ref _failedSince);
        var (now, last) = (time.GetTimestamp(), Interlocked.Read(ref _loggedAt));
        if ((last == 0 || time.GetElapsedTime(last, now) >= LogInterval) && Interlocked.CompareExchange(ref _loggedAt, now, last) == last)
        {
            Log.Failed(logger, problem, options.HookFailOpen ? "admitted" : "rejected", Interlocked.Exchange(ref _failedSince, 0));
        }
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "The hook at Clients:Auth:HookUrl has failed: {Problem}. Clients are {Fate}; questions without an answer since the last such entry: {Count}")]
        public static partial void Failed(ILogger logger, string problem, string fate, long count);
    }
}
