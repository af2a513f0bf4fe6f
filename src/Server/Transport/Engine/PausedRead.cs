using System.Runtime.CompilerServices;

namespace Relay.Transport.Engine;

/// <summary>Bytes that a handler is not done with, and the buffer they are in.</summary>
internal sealed class PausedRead
{
    private readonly EngineConnection _connection;
    private readonly byte[] _buffer;
    private readonly ValueTaskAwaiter<bool> _handled;
    private volatile bool _isDone;

    public PausedRead(EngineConnection connection, ValueTask<bool> handled, byte[] buffer)
    {
        _connection = connection;
        _buffer = buffer;
        connection.Memory.Add(buffer.Length);
        _handled = handled.GetAwaiter();
        _handled.UnsafeOnCompleted(OnDone);
    }

    public bool IsDone => _isDone;

    public int Bytes => _buffer.Length;

    public bool Finish()
    {
        EngineLoop.ReturnBuffer(_buffer);
        _connection.Memory.Release(_buffer.Length);
        return _handled.GetResult();
    }

    private void OnDone()
    {
        _isDone = true;
        _connection.Post();
    }
}
