using System.Net.Sockets;
using Grpc.Net.Client;

namespace Relay.EndToEnd.Support;

/// <summary>gRPC over a Unix socket.</summary>
internal static class AdminChannel
{
    public static GrpcChannel Open(string path) => GrpcChannel.ForAddress("http://localhost", new GrpcChannelOptions
    {
        HttpHandler = new SocketsHttpHandler
        {
            ConnectCallback = async (_, cancel) =>
            {
                var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), cancel);
                return new NetworkStream(socket, ownsSocket: true);
            },
        },
        DisposeHttpClient = true,
    });
}
