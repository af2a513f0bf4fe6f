namespace Relay.Identity;

/// <summary>Loads the key when the process starts, so that a bad key file stops the start and not the first client.</summary>
internal sealed partial class IdentityStart(ServerIdentity identity, ILogger<IdentityStart> logger) : IHostedService
{
    public Task StartAsync(CancellationToken cancellationToken)
    {
        Log.Known(logger, identity.ServerId);
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Information, "This server is {ServerId}")]
        public static partial void Known(ILogger logger, string serverId);
    }
}
