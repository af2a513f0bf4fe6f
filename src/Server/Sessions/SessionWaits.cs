namespace Relay.Sessions;

/// <summary>What the reading of a session waits for, besides its handler: its byte rate and the memory budget.</summary>
internal sealed partial class Session
{
    /// <summary>Bytes of the memory budget that are kept for it.</summary>
    public long HeldBytes => _reader.HeldBytes + Connection.BufferBytes + Queued.Held;

    private async ValueTask<bool> PauseAsync(TimeSpan pause)
    {
        _wait = ReadingWait.Pause;
        await Task.Delay(pause, Services.Time);
        return true;
    }

    // False: there is no memory for so much more of an unfinished message until the task has ended. Whole messages never wait.
    private bool TryGrow(int bytes, out ValueTask growing)
    {
        growing = default;
        var growth = _reader.GrowthFor(bytes);
        if (growth == 0)
        {
            return true;
        }

        if (Connection.Memory.TryTake(growth))
        {
            _reader.Grow(bytes);
            return true;
        }

        growing = GrowAsync(bytes, growth);
        return false;
    }

    private async ValueTask GrowAsync(int bytes, int growth)
    {
        if (await Connection.Memory.TakeAsync(growth, Connection.Closed))
        {
            _reader.Grow(bytes);
            return;
        }

        // The peer sends no more, or is gone: nothing of it is worth the memory that others wait for.
        _reader.Dispose();
        Connection.Abort();
    }
}
