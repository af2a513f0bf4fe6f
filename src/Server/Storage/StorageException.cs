namespace Relay.Storage;

/// <summary>
/// The database could not do a piece of work: the disk is full or broken, too much waits, or it is closed. It has logged why,
/// once for all who wait.
/// </summary>
internal sealed class StorageException(string message, Exception? inner = null) : Exception(message, inner);
