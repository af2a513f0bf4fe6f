namespace Relay.EndToEnd.Cluster.Chaos;

/// <summary>
/// What one connection has sent, and what came of it. Each message arrives once, or an error tells its sender, or it was on its way when the connection of
/// its sender ended, or when that of its target was cut without a close frame: a relay may have accepted it for a connection that died before it was
/// written. An error does not say which message it means, so they are counted.
/// </summary>
internal sealed class ChaosRecord(long id, string target, Action<string> report)
{
    private readonly Lock _lock = new();

    // Guarded by _lock, all of the following.
    private readonly HashSet<int> _arrived = [];
    private readonly Dictionary<long, int> _lastAt = [];
    private int _sent;
    private int _accountedFor;
    private int _lost;

    public string Target => target;

    public int Arrived
    {
        get
        {
            lock (_lock)
            {
                return _arrived.Count;
            }
        }
    }

    /// <summary>Messages that were on their way when a connection ended.</summary>
    public int Lost
    {
        get
        {
            lock (_lock)
            {
                return _lost;
            }
        }
    }

    /// <summary>Messages of which nothing is known yet.</summary>
    public int Waiting
    {
        get
        {
            lock (_lock)
            {
                return _sent - _arrived.Count - _accountedFor;
            }
        }
    }

    /// <summary>The number of the next message.</summary>
    public int Send()
    {
        lock (_lock)
        {
            return ++_sent;
        }
    }

    /// <summary>A message came to the connection <paramref name="at"/>.</summary>
    public void Arrive(int number, long at)
    {
        lock (_lock)
        {
            var last = _lastAt.GetValueOrDefault(at);
            if (number < 1 || number > _sent)
            {
                report($"message {number} of connection {id} was never sent");
            }
            else if (!_arrived.Add(number))
            {
                report($"message {number} of connection {id} came twice, the second time to connection {at}");
            }
            else if (last > number)
            {
                report($"message {number} of connection {id} came to connection {at} after {last}");
            }

            _lastAt[at] = Math.Max(number, last);
            AccountFor(0);
        }
    }

    /// <summary>The sender got an error.</summary>
    public void Fail()
    {
        lock (_lock)
        {
            AccountFor(1);
        }
    }

    /// <summary>The connection of the sender has ended, or that of the target was cut.</summary>
    public void End()
    {
        lock (_lock)
        {
            _lost += Waiting;
            AccountFor(Waiting);
        }
    }

    // What an error has answered, or was lost, and comes all the same is not accounted for twice.
    private void AccountFor(int more) => _accountedFor = Math.Min(_accountedFor + more, _sent - _arrived.Count);
}
