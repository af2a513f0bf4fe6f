using Relay.Protocol;

namespace Relay.Sessions;

/// <summary>
/// One timer for all sessions: pings, and closes what is silent, unregistered, stuck in a message or stuck in a write.
/// </summary>
internal sealed class Heartbeat : IDisposable
{
    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(500);

    private readonly SessionTable _table;
    private readonly ClientSessionOptions _options;
    private readonly TimeProvider _time;
    private readonly ITimer _timer;
    private int _sweeping;

    public Heartbeat(SessionTable table, ClientSessionOptions options, TimeProvider time)
    {
        _table = table;
        _options = options;
        _time = time;
        _timer = time.CreateTimer(_ => Sweep(), null, Tick, Tick);
    }

    public void Dispose() => _timer.Dispose();

    private void Sweep()
    {
        if (Interlocked.Exchange(ref _sweeping, 1) == 1)
        {
            return;
        }

        var now = _time.GetTimestamp();
        foreach (var session in _table.All)
        {
            Check(session, now);
        }

        Volatile.Write(ref _sweeping, 0);
    }

    private void Check(Session session, long now)
    {
        if (session.IsClosing)
        {
            return;
        }

        if (session.WriteStarted is not 0 and var write && Since(write, now) > _options.SendTimeout)
        {
            session.Abort(CloseReason.WriteTimeout);
        }
        else if (Since(session.LastReceived, now) >= _options.SilenceTimeout)
        {
            session.Close(CloseReason.HeartbeatTimeout);
        }
        else if (Volatile.Read(ref session.MessageStarted) is not 0 and var message && Since(message, now) > _options.MessageTimeout)
        {
            session.Close(CloseReason.MessageTimeout);
        }
        else if (!session.IsRegistered
            && _options.RegistrationTimeout > TimeSpan.Zero
            && Since(session.UnregisteredSince, now) >= _options.RegistrationTimeout)
        {
            session.Close(CloseReason.RegistrationTimeout);
        }
        else if (Since(session.LastPing, now) >= _options.PingInterval)
        {
            session.LastPing = now;
            session.TryPing();
        }
    }

    private TimeSpan Since(long then, long now) => _time.GetElapsedTime(then, now);
}
