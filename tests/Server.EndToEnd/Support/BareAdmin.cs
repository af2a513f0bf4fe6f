using System.Net;
using System.Net.Http.Headers;
using System.Net.Security;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Security.Cryptography.X509Certificates;
using Relay.TestKit;

namespace Relay.EndToEnd.Support;

/// <summary>Bare HTTP/2 requests to an admin listener: bodies that no gRPC client sends, and requests that are no calls.</summary>
internal sealed partial class BareAdmin : IDisposable
{
    /// <summary>A message of 1000 bytes by its prefix, of which a few come.</summary>
    public static readonly byte[] PartOfMessage = [0, 0, 0, 3, 0xE8, 1, 2, 3];

    private readonly CancellationTokenSource _stop = new();
    private readonly HttpClient _http;
    private readonly Uri _address;

    private BareAdmin(Uri address, SocketsHttpHandler handler)
    {
        _address = address;
        _http = new HttpClient(handler) { Timeout = TestClient.Timeout };
    }

    public static BareAdmin OverNetwork(RelayServer server, TestAuthority? trusted, X509Certificate2? certificate = null, string? token = null)
    {
        var bare = new BareAdmin(NetworkAdmin.AddressOf(server), new SocketsHttpHandler
        {
            SslOptions = new SslClientAuthenticationOptions
            {
                CertificateChainPolicy = trusted?.ChainPolicy,
                ClientCertificates = certificate is null ? null : [certificate],
            },
        });
        bare._http.DefaultRequestHeaders.Authorization = token is null ? null : new AuthenticationHeaderValue("Bearer", token);
        return bare;
    }

    /// <summary>Over the Unix socket as a user who is in no list: where the test is root's, as another user.</summary>
    public static BareAdmin OverUnixSocketWithoutRole(RelayServer server)
    {
        File.SetUnixFileMode(Path.GetDirectoryName(server.AdminSocketPath)!, (UnixFileMode)0b111_001_001);
        File.SetUnixFileMode(server.AdminSocketPath, (UnixFileMode)0b110_110_110);
        return new BareAdmin(new Uri("http://localhost"), new SocketsHttpHandler
        {
            ConnectCallback = (_, _) => ValueTask.FromResult<Stream>(new NetworkStream(ConnectAsOther(server.AdminSocketPath), ownsSocket: true)),
        });
    }

    /// <summary>The answer to a request whose body is never complete.</summary>
    public Task<HttpResponseMessage> AskAsync(string path, string contentType, byte[] start, long? announced)
    {
        var body = new EndlessBody(start, announced, _stop.Token);
        body.Headers.ContentType = new MediaTypeHeaderValue(contentType);
        return SendAsync(HttpMethod.Post, path, body);
    }

    public Task<HttpResponseMessage> CallAsync(string path, byte[] message)
    {
        var body = new ByteArrayContent(message);
        body.Headers.ContentType = new MediaTypeHeaderValue("application/grpc");
        return SendAsync(HttpMethod.Post, path, body);
    }

    public Task<HttpResponseMessage> GetAsync(string path) => SendAsync(HttpMethod.Get, path, null);

    public void Dispose()
    {
        _stop.Cancel();
        _http.Dispose();
        _stop.Dispose();
    }

    private Task<HttpResponseMessage> SendAsync(HttpMethod method, string path, HttpContent? body)
    {
        var request = new HttpRequestMessage(method, new Uri(_address, path))
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = body,
        };
        request.Headers.TE.Add(new TransferCodingWithQualityHeaderValue("trailers"));
        return _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, _stop.Token);
    }

    // The kernel tells the listener whose the thread was that connected. A thread has a user of its own, and this one ends here.
    private static Socket ConnectAsOther(string path)
    {
        const int OtherUser = 4000;
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        Exception? failure = null;
        var thread = new Thread(() =>
        {
            try
            {
                if (Environment.IsPrivilegedProcess)
                {
                    var setresuid = RuntimeInformation.ProcessArchitecture == Architecture.X64 ? 117 : 147;
                    Assert.Equal(0, SystemCall(setresuid, -1, OtherUser, -1));
                }

                socket.Connect(new UnixDomainSocketEndPoint(path));
            }
            catch (Exception exception)
            {
                failure = exception;
            }
        });
        thread.Start();
        Assert.True(thread.Join(TestClient.Timeout));
        Assert.Null(failure);
        return socket;
    }

    // The function of the same name in libc changes all threads, the system call this one only.
    [LibraryImport("libc", EntryPoint = "syscall")]
    private static partial nint SystemCall(nint number, nint real, nint effective, nint saved);

    private sealed class EndlessBody(byte[] start, long? announced, CancellationToken stop) : HttpContent
    {
        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            await stream.WriteAsync(start, stop);
            await stream.FlushAsync(stop);
            var never = new TaskCompletionSource();
            await using var end = stop.Register(() => never.TrySetCanceled());
            await never.Task;
        }

        protected override bool TryComputeLength(out long length)
        {
            length = announced ?? 0;
            return announced is not null;
        }
    }
}
