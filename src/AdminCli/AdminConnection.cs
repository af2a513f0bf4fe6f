using System.Net.Http.Headers;
using System.Net.Sockets;
using Grpc.Core;
using Grpc.Health.V1;
using Grpc.Net.Client;
using Relay.AdminApi;

namespace Relay.AdminCli;

/// <summary>A channel to the relay's admin listener. Nothing is connected before the first call.</summary>
internal sealed class AdminConnection : IDisposable
{
    // A machine that does not answer at all should not hold the operator up for the whole call's time; who gives a call more
    // time gives its connection more.
    private static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(2);

    private readonly GrpcChannel _channel;
    private readonly TimeProvider _clock;

    public AdminConnection(ServerAddress address, Credentials credentials, TimeSpan timeout, TimeProvider clock)
    {
        (Address, Timeout, _clock) = (address, timeout, clock);
        var handler = new SocketsHttpHandler
        {
            UseProxy = false,
            ConnectTimeout = timeout < ConnectTimeout ? timeout : timeout * 0.4 > ConnectTimeout ? timeout * 0.4 : ConnectTimeout,
            // Lets a watch notice that the remote machine is gone, which TCP alone would not.
            KeepAlivePingDelay = TimeSpan.FromSeconds(15),
            KeepAlivePingTimeout = TimeSpan.FromSeconds(5),
            KeepAlivePingPolicy = HttpKeepAlivePingPolicy.WithActiveRequests,
        };
        if (address.SocketPath is { } path)
        {
            handler.ConnectCallback = (_, token) => ConnectAsync(path, token);
        }

        if (address.IsTls)
        {
            RelayCertificate.Configure(handler.SslOptions, credentials, clock);
        }

        HttpMessageHandler sender = credentials.Token is { } token ? new WithToken(handler, token) : handler;
        _channel = GrpcChannel.ForAddress(address.Channel, new GrpcChannelOptions { HttpHandler = sender, DisposeHttpClient = true });
        Admin = new AdminService.AdminServiceClient(_channel);
        Cluster = new ClusterService.ClusterServiceClient(_channel);
        Configuration = new ConfigurationService.ConfigurationServiceClient(_channel);
        Connections = new ConnectionService.ConnectionServiceClient(_channel);
        Federation = new FederationService.FederationServiceClient(_channel);
        Decisions = new DecisionService.DecisionServiceClient(_channel);
        History = new HistoryService.HistoryServiceClient(_channel);
        Policy = new PolicyService.PolicyServiceClient(_channel);
        Upgrade = new UpgradeService.UpgradeServiceClient(_channel);
        Health = new Health.HealthClient(_channel);
    }

    public ServerAddress Address { get; }

    /// <summary>How long the relay may take to answer one call.</summary>
    public TimeSpan Timeout { get; }

    public AdminService.AdminServiceClient Admin { get; }

    public ClusterService.ClusterServiceClient Cluster { get; }

    public ConfigurationService.ConfigurationServiceClient Configuration { get; }

    public FederationService.FederationServiceClient Federation { get; }

    public ConnectionService.ConnectionServiceClient Connections { get; }

    public DecisionService.DecisionServiceClient Decisions { get; }

    public HistoryService.HistoryServiceClient History { get; }

    public PolicyService.PolicyServiceClient Policy { get; }

    public UpgradeService.UpgradeServiceClient Upgrade { get; }

    public Health.HealthClient Health { get; }

    /// <summary>For one call with one answer, from now.</summary>
    public CallOptions WithDeadline(CancellationToken cancel) => new(deadline: (_clock.GetUtcNow() + Timeout).UtcDateTime, cancellationToken: cancel);

    public void Dispose() => _channel.Dispose();

    private static async ValueTask<Stream> ConnectAsync(string path, CancellationToken cancel)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), cancel);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private sealed class WithToken(HttpMessageHandler inner, string token) : DelegatingHandler(inner)
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
            return base.SendAsync(request, cancellationToken);
        }
    }
}
