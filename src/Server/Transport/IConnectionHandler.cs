namespace Relay.Transport;

/// <summary>The events of a connection, for its owner. All but <see cref="OnSent"/> come one after another.</summary>
internal interface IConnectionHandler
{
    /// <summary>The upgrade is done: bytes may be sent from now on.</summary>
    void OnOpened();

    /// <summary>
    /// Bytes in the order of arrival; they may be changed, and are the caller's again when the task has ended. Nothing more is
    /// read until then: a task that is not complete pauses reading.
    /// </summary>
    /// <returns>False: read no more; <see cref="Connection.Close"/> ends the connection.</returns>
    ValueTask<bool> OnBytesAsync(Memory<byte> bytes);

    /// <summary>Bytes for which <see cref="Connection.Send"/> returned false have gone, or never will. On any thread.</summary>
    void OnSent();

    /// <summary>The connection is over. Called once, last, and also when the upgrade failed.</summary>
    void OnClosed();
}
