using Relay.Protocol;

namespace Relay.Sessions;

/// <summary>
/// For all sessions at once: pings, and closes what is silent, unregistered, stuck in a message or stuck in a write.
/// </summary>
internal sealed class Heartbeat(SessionTable table, ClientSessionOptions options, TimeProvider time)
{
    public static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(500);

    public void Sweep()
    {
        var now = time.GetTimestamp();
        foreach (var session in table.All)
        {
            Check(session, now);
        }
    }

    private void Check(Session session, long now)
    {
        if (session.IsClosing)
        {
            return;
        }

        if (session.WriteStarted is not 0 and var write && Since(write, now) > options.SendTimeout)
        {
            session.Abort(CloseReason.WriteTimeout);
        }
        else if (Since(session.LastReceived, now) >= options.SilenceTimeout)
        {
            session.Close(CloseReason.HeartbeatTimeout);
        }
        else if (Volatile.Read(ref session.MessageStarted) is not 0 and var message && Since(message, now) > options.MessageTimeout)
        {
            session.Close(CloseReason.MessageTimeout);
        }
        else if (!session.IsRegistered
            && options.RegistrationTimeout > TimeSpan.Zero
            && Since(session.UnregisteredSince, now) >= options.RegistrationTimeout)
        {
            session.Close(CloseReason.RegistrationTimeout);
        }
        else if (Since(session.LastPing, now) >= options.PingInterval)
        {
            session.LastPing = now;
            session.TryPing();
        }
    }

    private TimeSpan Since(long then, long now) => time.GetElapsedTime(then, now);
}
