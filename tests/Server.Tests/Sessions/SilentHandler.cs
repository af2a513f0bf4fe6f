using Relay.Sessions;

namespace Server.Tests.Sessions;

/// <summary>Ignores everything.</summary>
internal sealed class SilentHandler : ISessionHandler
{
    public static readonly SilentHandler Instance = new();

    public void OnOpened(Session session)
    {
    }

    public ValueTask OnMessageAsync(Session session, ReadOnlyMemory<byte> message, long receivedAt) => ValueTask.CompletedTask;

    public void OnClosed(Session session)
    {
    }
}
