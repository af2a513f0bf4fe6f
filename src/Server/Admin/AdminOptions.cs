namespace Relay.Admin;

/// <summary>The operators' way in.</summary>
internal sealed class AdminOptions
{
    /// <summary>Unix socket for relayctl, made with mode 0660. Empty: $XDG_RUNTIME_DIR/relay/admin.sock, /run/relay/admin.sock for root, else /tmp/relay-UID/admin.sock.</summary>
    public string Socket { get; set; } = "";
}
