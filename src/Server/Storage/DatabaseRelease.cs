namespace Relay.Storage;

/// <summary>A time for which the database is closed, so that another process can have it. What is asked of it meanwhile waits.</summary>
internal sealed class DatabaseRelease
{
    private readonly TaskCompletionSource _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource<bool> _end = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Done when everything that was asked before is on the disk and the database is closed.</summary>
    public Task Closed => _closed.Task;

    /// <summary>Ends the time: the database is opened again, or stays the other process', and all that is asked of it fails.</summary>
    public void End(bool comesBack) => _end.TrySetResult(comesBack);

    /// <summary>The database thread: it is closed. Waits for the end; true: open it again.</summary>
    public bool WaitForEnd()
    {
        _closed.SetResult();
        return _end.Task.GetAwaiter().GetResult();
    }
}
