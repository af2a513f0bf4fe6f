namespace Relay.Sessions;

/// <summary>What a session's messages mean. Clients and peer servers have one each; a session knows neither.</summary>
internal interface ISessionHandler
{
    /// <summary>The session is in its table and may send.</summary>
    void OnOpened(Session session);

    /// <summary>
    /// One whole message. The bytes are the caller's again when the task has ended; the next message of this session
    /// waits for it.
    /// </summary>
    ValueTask OnMessageAsync(Session session, ReadOnlyMemory<byte> message, long receivedAt);

    /// <summary>The session has left its table. Called once, after the last message.</summary>
    void OnClosed(Session session);
}
