namespace Relay.Configuration;

/// <summary>What the relay keeps on the disk.</summary>
internal sealed class DataOptions
{
    /// <summary>
    /// Folder of the key, the database, the journal, the tokens and the audit file, made at the first start with mode 0700. Empty: $STATE_DIRECTORY, which
    /// systemd sets; /var/lib/relay for root; else $XDG_STATE_HOME/relay or ~/.local/state/relay.
    /// </summary>
    public string Folder { get; set; } = "";
}
