using System.Net;
using System.Net.Http.Headers;

namespace Relay.Federation.Bootstrap;

/// <summary>What came of a request to the registry.</summary>
/// <param name="Servers">Other servers that it names.</param>
/// <param name="Error">A sentence for the operator; null: it went well.</param>
internal sealed record BootstrapResult(IReadOnlyList<BootstrapServer> Servers, string? Error)
{
    public static readonly BootstrapResult Done = new([], null);

    public bool Succeeded => Error is null;

    public static BootstrapResult Failed(string error) => new([], error);
}

/// <summary>
/// HTTP to the registry in which servers find each other. A certificate that is not valid, a redirect, an answer that is too long or too late
/// are failures; nothing is tried again here. Throws nothing but <see cref="OperationCanceledException"/> of the caller.
/// </summary>
internal sealed class BootstrapClient : IDisposable
{
    // A registry has 1,000 servers at most, each with less than a kilobyte.
    private const int MaxAnswerBytes = 1024 * 1024;

    private readonly FederationOptions _options;
    private readonly BootstrapRequests _requests;
    private readonly TimeProvider _time;
    private readonly HttpClient _http;
    private readonly string _address;
    private readonly byte[]? _key;

    public BootstrapClient(FederationOptions options, BootstrapRequests requests, TimeProvider time)
    {
        _options = options;
        _requests = requests;
        _time = time;
        _address = $"{options.BootstrapUrl.TrimEnd('/')}/";
        _key = options.BootstrapKey.Length > 0 ? BootstrapList.ReadKey(options.BootstrapKey) : null;
        _http = new HttpClient(new SocketsHttpHandler
        {
            // Elsewhere the secret would go to somebody the operator has not named.
            AllowAutoRedirect = false,
            UseCookies = false,
            PooledConnectionLifetime = TimeSpan.FromMinutes(2),
            ConnectTimeout = options.BootstrapTimeout,
            MaxConnectionsPerServer = 2,
        })
        {
            Timeout = Timeout.InfiniteTimeSpan,
            MaxResponseContentBufferSize = MaxAnswerBytes,
        };
    }

    /// <summary>Registers this server.</summary>
    public async Task<BootstrapResult> RegisterAsync(BootstrapLoad load, CancellationToken stopping) =>
        (await SendAsync(HttpMethod.Post, "servers", _requests.Register(load), stopping)).Result;

    /// <summary>The other servers. Where the registry's key is set, only a list that is signed with it.</summary>
    public async Task<BootstrapResult> ListAsync(CancellationToken stopping)
    {
        var answer = await SendAsync(HttpMethod.Get, "servers", body: null, stopping);
        if (!answer.Result.Succeeded)
        {
            return answer.Result;
        }

        if (_key is not null && !BootstrapList.IsSigned(answer.Body, answer.Signature, _key, _time.GetUtcNow()))
        {
            return BootstrapResult.Failed("The registry's list is not signed with Federation:BootstrapKey, or is older than five minutes; it was not used");
        }

        return Read(answer.Body, "servers");
    }

    /// <summary>Says that this server is there, and registers it again where the registry has forgotten it. The other servers.</summary>
    public async Task<BootstrapResult> HeartbeatAsync(BootstrapLoad load, CancellationToken stopping)
    {
        var answer = await SendAsync(HttpMethod.Post, "servers/heartbeat", _requests.Heartbeat(load), stopping);
        if (answer.Status == HttpStatusCode.NotFound)
        {
            var registered = await RegisterAsync(load, stopping);
            return registered.Succeeded ? await ListAsync(stopping) : registered;
        }

        if (!answer.Result.Succeeded)
        {
            return answer.Result;
        }

        // Peers in the answer to a heartbeat are not signed.
        return _key is null ? Read(answer.Body, "peers") : await ListAsync(stopping);
    }

    /// <summary>Removes this server from the registry.</summary>
    public async Task<BootstrapResult> RemoveAsync(CancellationToken stopping)
    {
        var answer = await SendAsync(HttpMethod.Delete, _requests.EntryPath, body: null, stopping);
        return answer.Status == HttpStatusCode.NotFound ? BootstrapResult.Done : answer.Result;
    }

    public void Dispose() => _http.Dispose();

    private BootstrapResult Read(byte[] body, string property) => BootstrapList.Read(body, property, _requests.ServerId) is { } servers
        ? new BootstrapResult(servers, null)
        : BootstrapResult.Failed($"The answer of the registry has no list of {property}; is Federation:BootstrapUrl right?");

    private async Task<Answer> SendAsync(HttpMethod method, string path, byte[]? body, CancellationToken stopping)
    {
        using var timeout = new CancellationTokenSource(_options.BootstrapTimeout, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, stopping);
        try
        {
            using var request = new HttpRequestMessage(method, _address + path);
            if (body is not null)
            {
                request.Content = new ByteArrayContent(body);
                request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
            }

            if (_options.BootstrapSecretFile.Length > 0 && method != HttpMethod.Get)
            {
                var secret = (await File.ReadAllTextAsync(_options.BootstrapSecretFile, either.Token)).Trim();
                request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", secret);
            }

            using var response = await _http.SendAsync(request, HttpCompletionOption.ResponseContentRead, either.Token);
            var signature = response.Headers.TryGetValues("X-Bootstrap-Signature", out var values) ? values.First() : null;
            return new Answer(response.StatusCode, await response.Content.ReadAsByteArrayAsync(either.Token), signature, Result(response.StatusCode));
        }
        catch (OperationCanceledException) when (!stopping.IsCancellationRequested)
        {
            return Answer.None($"The registry did not answer within {_options.BootstrapTimeout.TotalSeconds:0} s");
        }
        catch (HttpRequestException exception)
        {
            return Answer.None($"The registry cannot be reached: {Reason(exception)}");
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or FormatException)
        {
            return Answer.None($"The secret in Federation:BootstrapSecretFile cannot be used: {exception.Message.TrimEnd('.')}");
        }
    }

    private static BootstrapResult Result(HttpStatusCode status) => status switch
    {
        >= HttpStatusCode.OK and < HttpStatusCode.MultipleChoices => BootstrapResult.Done,
        HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden => BootstrapResult.Failed(
            $"The registry refused with {(int)status}; name the file with its secret in Federation:BootstrapSecretFile"),
        HttpStatusCode.BadRequest => BootstrapResult.Failed(
            "The registry refused with 400; it takes public endpoints only: set Identity:PublicEndpoint to one"),
        _ => BootstrapResult.Failed($"The registry refused with {(int)status}"),
    };

    // The kind and not the text, which may quote what the other side sent.
    private static string Reason(HttpRequestException exception) => exception.HttpRequestError switch
    {
        HttpRequestError.NameResolutionError => "its name has no address",
        HttpRequestError.SecureConnectionError => "its certificate is not valid",
        HttpRequestError.ConfigurationLimitExceeded => "its answer is too long",
        HttpRequestError.ConnectionError => "no connection",
        var other => $"{other}",
    };

    private sealed record Answer(HttpStatusCode? Status, byte[] Body, string? Signature, BootstrapResult Result)
    {
        public static Answer None(string error) => new(null, [], null, BootstrapResult.Failed(error));
    }
}
