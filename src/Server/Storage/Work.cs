using System.Data.Common;

namespace Relay.Storage;

/// <summary>A piece of work on its way through the database thread.</summary>
internal abstract class Work
{
    /// <summary>Why the work failed; what it did must be rolled back.</summary>
    public Exception? Error { get; protected set; }

    /// <summary>Does the work, the first time or anew, and catches what it throws.</summary>
    public abstract void Run(DbConnection connection, Backend backend);

    /// <summary>The result is on the disk, or the operation failed alone: the caller continues.</summary>
    public abstract void Complete();

    /// <summary>Nothing of it took effect.</summary>
    public abstract void Fail(StorageException exception);
}

/// <summary>A piece of work with its result.</summary>
internal sealed class Work<T>(Func<DbConnection, T> run) : Work
{
    // The caller continues on another thread: the database thread has the next batch to write.
    private readonly TaskCompletionSource<T> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private T? _result;

    public Task<T> Task => _done.Task;

    public override void Run(DbConnection connection, Backend backend)
    {
        Error = null;
        try
        {
            _result = run(connection);
        }
        catch (DbException exception) when (!backend.IsBug(exception))
        {
            Error = new StorageException(exception.Message, exception);
        }
        catch (Exception exception)
        {
            Error = exception;
        }
    }

    public override void Complete()
    {
        if (Error is null)
        {
            _done.SetResult(_result!);
        }
        else
        {
            _done.SetException(Error);
        }
    }

    public override void Fail(StorageException exception) => _done.SetException(exception);
}
