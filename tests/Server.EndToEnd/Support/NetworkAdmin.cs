using System.Net.Http.Headers;
using System.Security.Cryptography.X509Certificates;
using Grpc.Core;
using Grpc.Net.Client;
using Relay.AdminApi;
using Relay.Configuration;
using Relay.TestKit;

namespace Relay.EndToEnd.Support;

/// <summary>A caller of the admin listener on TCP, with what it has to show.</summary>
internal sealed class NetworkAdmin : IDisposable
{
    public NetworkAdmin(RelayServer server, TestAuthority? trusted = null, X509Certificate2? certificate = null, string? token = null)
    {
        var handler = new SocketsHttpHandler();
        if (trusted is not null)
        {
            handler.SslOptions.CertificateChainPolicy = trusted.ChainPolicy;
        }

        if (certificate is not null)
        {
            handler.SslOptions.ClientCertificates = [certificate];
        }

        Channel = GrpcChannel.ForAddress(AddressOf(server), new GrpcChannelOptions { HttpHandler = new WithToken(handler, token), DisposeHttpClient = true });
        Admin = new AdminService.AdminServiceClient(Channel);
    }

    public GrpcChannel Channel { get; }

    public AdminService.AdminServiceClient Admin { get; }

    private static CallOptions Call => new(deadline: DateTime.UtcNow.AddSeconds(20), cancellationToken: TestContext.Current.CancellationToken);

    /// <summary>A relay with an admin listener on TCP: with TLS and roles named as their certificates where there is an authority, without where there is none.</summary>
    public static Task<RelayServer> StartAsync(TestAuthority? authority, TimeProvider? time = null, Action<RelaySettings>? configure = null) => RelayServer.StartAsync(
        settings =>
        {
            settings.Admin.Listen = "127.0.0.1:0";
            settings.Admin.AllowPlaintextLoopback = authority is null;
            if (authority is not null)
            {
                (settings.Admin.CertificateFile, settings.Admin.KeyFile, settings.Admin.ClientCaFile) = (authority.CertificateFile, authority.KeyFile, authority.CaFile);
                settings.Admin.ClientRoles = ["CN=read=read", "CN=operate=operate", "CN=admin=admin"];
            }

            configure?.Invoke(settings);
        },
        time);

    public static Uri AddressOf(RelayServer server) => new(Relay.Hosting.Banner.AdminAddress(server.App, server.Settings.Admin)!);

    public async Task ExpectUnauthenticatedAsync(string reason)
    {
        var error = await Assert.ThrowsAsync<RpcException>(() => Admin.GetStatsAsync(new GetStatsRequest(), Call).ResponseAsync);
        Assert.Equal(StatusCode.Unauthenticated, error.StatusCode);
        Assert.Contains(reason, error.Status.Detail, StringComparison.Ordinal);
    }

    /// <summary>
    /// Asks the reflection service for the list of services. Its client is in no package here, so the messages are bytes.
    /// The method is duplex and called with one request for many answers, which is the same on the wire: a refusal may come
    /// before a duplex client has written, whose write then fails as cancelled and not with the refusal.
    /// </summary>
    public async Task AskReflectionAsync()
    {
        var marshaller = Marshallers.Create<byte[]>(bytes => bytes, bytes => bytes);
        var method = new Method<byte[], byte[]>(MethodType.ServerStreaming, "grpc.reflection.v1alpha.ServerReflection", "ServerReflectionInfo", marshaller, marshaller);

        // list_services: "" (field 7).
        using var call = Channel.CreateCallInvoker().AsyncServerStreamingCall(method, null, Call, [0x3A, 0x00]);
        Assert.True(await call.ResponseStream.MoveNext(TestContext.Current.CancellationToken));
        Assert.Contains("relay.admin.v1.AdminService", System.Text.Encoding.ASCII.GetString(call.ResponseStream.Current), StringComparison.Ordinal);
    }

    public void Dispose() => Channel.Dispose();

    private sealed class WithToken(HttpMessageHandler inner, string? token) : DelegatingHandler(inner)
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            request.Headers.Authorization = token is null ? null : new AuthenticationHeaderValue("Bearer", token);
            return base.SendAsync(request, cancellationToken);
        }
    }
}

/// <summary>What a test asks over the Unix socket, where it may do all.</summary>
internal static class LocalAdmin
{
    private static CallOptions Call => new(deadline: DateTime.UtcNow.AddSeconds(20), cancellationToken: TestContext.Current.CancellationToken);

    public static async Task<string> TokenAsync(this RelayServer server, Role role) =>
        (await server.Admin.CreateTokenAsync(new CreateTokenRequest { Name = role.ToString(), Role = role }, Call)).Token;

    public static async Task<AuditRecord> NewestAuditAsync(this RelayServer server) =>
        Assert.Single((await server.Admin.ListAuditAsync(new ListAuditRequest { PageSize = 1 }, Call)).Entries);
}
