namespace Relay.Sessions;

/// <summary>What became of a message.</summary>
internal enum SendResult
{
    /// <summary>It was sent, or it waits.</summary>
    Accepted,

    /// <summary>Too much waits already.</summary>
    Full,

    /// <summary>The session is closing.</summary>
    Completed,
}
