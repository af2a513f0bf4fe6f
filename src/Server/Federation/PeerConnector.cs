using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using Relay.Transport;

namespace Relay.Federation;

/// <summary>
/// Opens the WebSocket to another server: its name is looked up once and only allowed addresses are dialled, TLS is verified,
/// redirects are not followed, and all of it has to be done within the time for a handshake.
/// </summary>
internal sealed class PeerConnector(FederationOptions options, EndpointRule rule, ConnectionTable connections, TimeProvider time)
{
    private const int MaxHeaderKilobytes = 16;

    /// <summary>Throws <see cref="HttpRequestException"/> or <see cref="IOException"/> with a sentence that says why not, or <see cref="OperationCanceledException"/>.</summary>
    public async Task<DialledConnection> ConnectAsync(string endpoint, CancellationToken stop)
    {
        var uri = rule.DialUri(endpoint) ?? throw new IOException($"{rule.Denial(endpoint)} (Federation:PrivateEndpoints allows private ones)");
        using var timeout = new CancellationTokenSource(options.HandshakeTimeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, stop);
        var dialled = IPAddress.None;
        using var handler = new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            UseCookies = false,
            UseProxy = false,
            MaxResponseHeadersLength = MaxHeaderKilobytes,
            ConnectCallback = async (context, cancel) =>
            {
                (var stream, dialled) = await DialAsync(context.DnsEndPoint, cancel);
                return stream;
            },
        };
        using var invoker = new HttpMessageInvoker(handler);
        var key = Convert.ToBase64String(RandomNumberGenerator.GetBytes(16));
        using var request = Request(uri, key);
        try
        {
            var response = await invoker.SendAsync(request, either.Token);
            if (Objection(response, key) is { } objection)
            {
                response.Dispose();
                throw new IOException(objection);
            }

            return new DialledConnection(await response.Content.ReadAsStreamAsync(either.Token), dialled, connections);
        }
        catch (OperationCanceledException exception) when (!stop.IsCancellationRequested)
        {
            throw new IOException($"no answer within {options.HandshakeTimeout.TotalSeconds:0} s", exception);
        }
    }

    private static HttpRequestMessage Request(Uri endpoint, string key)
    {
        var address = new UriBuilder(endpoint)
        {
            Scheme = endpoint.Scheme == Uri.UriSchemeWss ? Uri.UriSchemeHttps : Uri.UriSchemeHttp,
            Port = endpoint.Port,
        };
        var request = new HttpRequestMessage(HttpMethod.Get, address.Uri)
        {
            Version = HttpVersion.Version11,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };
        request.Headers.Connection.Add("Upgrade");
        request.Headers.Upgrade.Add(new ProductHeaderValue("websocket"));
        request.Headers.Add("Sec-WebSocket-Version", "13");
        request.Headers.Add("Sec-WebSocket-Key", key);
        return request;
    }

    private static string? Objection(HttpResponseMessage response, string key)
    {
        if (response.StatusCode != HttpStatusCode.SwitchingProtocols)
        {
            return $"it answered {(int)response.StatusCode} instead of opening a WebSocket";
        }

        Span<byte> accept = stackalloc byte[WebSocketHandshake.AcceptKeyBytes];
        WebSocketHandshake.WriteAcceptKey(Encoding.ASCII.GetBytes(key), accept);
        return !response.Headers.TryGetValues("Sec-WebSocket-Accept", out var values) || values.Single() != Encoding.ASCII.GetString(accept)
            ? "it answered with a wrong Sec-WebSocket-Accept"
            : response.Headers.Contains("Sec-WebSocket-Extensions") || response.Headers.Contains("Sec-WebSocket-Protocol")
                ? "it answered with an extension or a protocol that was not asked for"
                : null;
    }

    private async Task<(Stream Stream, IPAddress Address)> DialAsync(DnsEndPoint endpoint, CancellationToken cancel)
    {
        IPAddress[] found = IPAddress.TryParse(endpoint.Host, out var literal) ? [literal] : await Dns.GetHostAddressesAsync(endpoint.Host, cancel);
        var allowed = found.Where(address => rule.Allows(address)).ToArray();
        if (allowed.Length == 0)
        {
            throw new IOException(found.Length == 0
                ? $"{endpoint.Host} has no address"
                : $"{endpoint.Host} is {found[0]}, which is no public address (Federation:PrivateEndpoints allows them)");
        }

        SocketException? last = null;
        foreach (var address in allowed)
        {
            var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            try
            {
                await socket.ConnectAsync(new IPEndPoint(address, endpoint.Port), cancel);
                return (new NetworkStream(socket, ownsSocket: true), address);
            }
            catch (SocketException exception)
            {
                socket.Dispose();
                last = exception;
            }
            catch
            {
                socket.Dispose();
                throw;
            }
        }

        throw new IOException($"{endpoint.Host} port {endpoint.Port}: {last!.Message}", last);
    }
}
