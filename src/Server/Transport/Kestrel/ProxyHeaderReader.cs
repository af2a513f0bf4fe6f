using System.IO.Pipelines;
using System.Net;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http.Features;
using Relay.Addresses;

namespace Relay.Transport.Kestrel;

/// <summary>
/// Takes the PROXY header off a new connection of Kestrel's, before TLS and HTTP see a byte, and looks for one where none
/// is expected. <see cref="HandshakeGuard"/> resets who is late.
/// </summary>
internal sealed class ProxyHeaderReader(ProxyHeaderGate gate)
{
    /// <summary>The connection's first step.</summary>
    public async Task OnConnectionAsync(ConnectionContext connection, ConnectionDelegate next)
    {
        var tracked = connection.Features.GetRequiredFeature<KestrelConnection>();
        var peer = connection.RemoteEndPoint is IPEndPoint endPoint ? IpKey.From(endPoint.Address) : IpKey.Unresolved;
        if (gate.Pass(tracked, peer, await ReadAsync(tracked, connection.Transport.Input, peer)))
        {
            await next(connection);
        }
    }

    private async ValueTask<ProxyHeaderOutcome> ReadAsync(Connection connection, PipeReader input, IpKey peer)
    {
        try
        {
            return gate.IsExpected(connection.ClientAddress, peer)
                ? await TakeHeaderAsync(connection, input)
                : await RefuseHeaderAsync(input);
        }
        catch (Exception exception) when (exception is IOException or OperationCanceledException)
        {
            return ProxyHeaderGate.Ended(connection);
        }
    }

    private static async ValueTask<ProxyHeaderOutcome> TakeHeaderAsync(Connection connection, PipeReader input)
    {
        while (true)
        {
            var read = await input.ReadAsync();
            var status = ProxyHeader.Read(read.Buffer, out var claim, out var length);
            switch (status)
            {
                case ProxyHeaderStatus.Complete:
                    connection.Claim = claim;
                    input.AdvanceTo(read.Buffer.GetPosition(length));
                    return ProxyHeaderOutcome.Accepted;
                case ProxyHeaderStatus.Incomplete when !read.IsCompleted:
                    input.AdvanceTo(read.Buffer.Start, read.Buffer.End);
                    break;
                default:
                    input.AdvanceTo(read.Buffer.End);
                    return status switch
                    {
                        ProxyHeaderStatus.Absent => ProxyHeaderOutcome.Missing,
                        ProxyHeaderStatus.Malformed => ProxyHeaderOutcome.Malformed,
                        _ => ProxyHeaderOutcome.Gone,
                    };
            }
        }
    }

    private static async ValueTask<ProxyHeaderOutcome> RefuseHeaderAsync(PipeReader input)
    {
        for (long examined = 0; ;)
        {
            var read = await input.ReadAsync();
            switch (ProxyHeader.Peek(read.Buffer))
            {
                case ProxyHeaderStatus.Absent:
                    // Nothing is taken, and the next reader must find the bytes that came last unexamined.
                    input.AdvanceTo(read.Buffer.Start, read.Buffer.GetPosition(examined));
                    return ProxyHeaderOutcome.Direct;
                case ProxyHeaderStatus.Incomplete when !read.IsCompleted:
                    examined = read.Buffer.Length;
                    input.AdvanceTo(read.Buffer.Start, read.Buffer.End);
                    break;
                case ProxyHeaderStatus.Complete:
                    input.AdvanceTo(read.Buffer.End);
                    return ProxyHeaderOutcome.Unlisted;
                default:
                    input.AdvanceTo(read.Buffer.End);
                    return ProxyHeaderOutcome.Gone;
            }
        }
    }
}
