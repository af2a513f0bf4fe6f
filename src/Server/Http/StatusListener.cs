using Microsoft.AspNetCore.Connections;
using Relay.Transport;

namespace Relay.Http;

/// <summary>The connections of the status pages' own listener: no clients, counted in none of their limits, and bounded by one of their own.</summary>
internal sealed class StatusListener(HttpOptions options)
{
    // Atomic.
    private int _open;

    public async Task RunAsync(ConnectionContext connection, ConnectionDelegate next)
    {
        try
        {
            if (Interlocked.Increment(ref _open) > options.MaxConnections)
            {
                connection.Abort();
                return;
            }

            connection.Features.Set(this);
            await next(connection);
        }
        finally
        {
            Interlocked.Decrement(ref _open);
        }
    }
}
