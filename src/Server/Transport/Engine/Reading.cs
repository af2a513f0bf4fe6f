namespace Relay.Transport.Engine;

/// <summary>What a connection of the engine does with bytes that come.</summary>
internal enum Reading : byte
{
    /// <summary>They are looked at and stay where they are, until a request is whole.</summary>
    Request,

    /// <summary>They go to the handler.</summary>
    Messages,

    /// <summary>They stay where they are while the handler works on those before them, or while it is not decided whether there is one.</summary>
    Paused,

    /// <summary>They are dropped: the handler wants no more.</summary>
    Ignored,

    /// <summary>The same, and the peer's end is the connection's: nothing more is sent.</summary>
    Lingering,
}
