namespace Relay.Sessions;

/// <summary>Why a message is sent to a socket: what becomes of it when much waits for that socket depends on it.</summary>
internal enum SendKind
{
    /// <summary>What the receiver asked for itself. Too much of it, unread, closes the receiver.</summary>
    Asked,

    /// <summary>A frame of a stream that the receiver subscribes to. It may be lost.</summary>
    Frame,

    /// <summary>What another client caused. It has a share of the queue, in total and by the sender's address.</summary>
    Unasked,
}
