namespace Relay.Transport.Engine;

/// <summary>
/// What is sent during a turn of a loop, copied here until it leaves, connection after connection. To receive many times and
/// then to send many times keeps the processor's caches warm: it costs a seventh less than to do both for each message.
/// What one connection sends in a turn, like the answer to its handshake and the first messages, leaves in one call.
/// </summary>
/// <remarks>The loop's thread only.</remarks>
internal sealed class SendBatch
{
    // Of one connection; more than that is worth a call of its own.
    private const int MaxBytesOfOne = 4096;

    // From here on the batch leaves before the next event is handled.
    private const int FullBytes = 16 * 1024;
    private const int FullConnections = 32;

    // What is sent for others while one event is handled, to the subscribers of a channel for example, may go beyond it.
    private readonly byte[] _bytes = new byte[2 * FullBytes];
    private readonly Entry[] _entries = new Entry[2 * FullConnections];

    [ThreadStatic]
    private static SendBatch? _current;

    private int _length;
    private int _count;

    /// <summary>The batch of the loop that runs on this thread; null: there is none, or it is leaving.</summary>
    public static SendBatch? Current => _current;

    /// <summary>From now on this thread collects what it sends.</summary>
    public void Begin() => _current = this;

    /// <summary>Appends to what the connection sends. False: it is too much, or something of the connection is in the way, which <see cref="Send"/> lets leave.</summary>
    /// <param name="connection">The caller holds its monitor.</param>
    /// <param name="isFirst">True when nothing of it is in the batch.</param>
    public bool TryAppend(EngineSocket connection, bool isFirst, ReadOnlySpan<byte> bytes)
    {
        if (_length + bytes.Length > _bytes.Length || bytes.Length > MaxBytesOfOne)
        {
            return false;
        }

        if (isFirst)
        {
            if (_count == _entries.Length)
            {
                return false;
            }

            _entries[_count++] = new Entry(connection, _length, bytes.Length);
        }
        else
        {
            ref var last = ref _entries[_count - 1];
            if (last.Connection != connection || last.Length + bytes.Length > MaxBytesOfOne)
            {
                return false;
            }

            last.Length += bytes.Length;
        }

        bytes.CopyTo(_bytes.AsSpan(_length));
        _length += bytes.Length;
        return true;
    }

    /// <summary>What a connection has in the batch, which is the caller's to send now.</summary>
    public ReadOnlySpan<byte> Take(EngineSocket connection)
    {
        var at = _count - 1;
        while (_entries[at].Connection != connection)
        {
            at--;
        }

        ref var entry = ref _entries[at];
        entry.Connection = null;
        return _bytes.AsSpan(entry.Start, entry.Length);
    }

    /// <summary>Sends everything if it is time to.</summary>
    public void SendIfFull()
    {
        if (_count >= FullConnections || _length >= FullBytes)
        {
            Send();
        }
    }

    /// <summary>Sends everything.</summary>
    public void Send()
    {
        // Whoever sends because his last has gone does so at once.
        _current = null;
        for (var i = 0; i < _count; i++)
        {
            ref var entry = ref _entries[i];
            entry.Connection?.SendBatched(_bytes.AsSpan(entry.Start, entry.Length));
            entry.Connection = null;
        }

        _count = _length = 0;
        _current = this;
    }

    private struct Entry(EngineSocket connection, int start, int length)
    {
        // Null: it has left already.
        public EngineSocket? Connection = connection;
        public readonly int Start = start;
        public int Length = length;
    }
}
