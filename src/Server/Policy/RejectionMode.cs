namespace Relay.Policy;

/// <summary>How a client is rejected; each costs the relay less than the one before.</summary>
internal enum RejectionMode
{
    /// <summary>The upgrade, then a close frame with the reason, which browsers can read.</summary>
    CloseFrame,

    /// <summary>An HTTP status before the upgrade.</summary>
    HttpStatus,

    /// <summary>The connection is closed before TLS and HTTP. Chosen by the overload level only.</summary>
    Reset,
}
