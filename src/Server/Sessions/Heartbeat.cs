using Relay.Protocol;
using Relay.Scheduling;

namespace Relay.Sessions;

/// <summary>
/// For all sessions at once: pings, and closes what is silent, unregistered, stuck in a message or stuck in a write.
/// </summary>
internal sealed class Heartbeat(SessionTable table, ClientSessionOptions options, TimeProvider time)
{
    public static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(500);

    private readonly SweepClock _clock = new(time);

    public void Sweep()
    {
        _clock.Begin();
        foreach (var session in table.All)
        {
            Check(session);
        }
    }

    private void Check(Session session)
    {
        if (session.IsClosing)
        {
            return;
        }

        if (session.WriteStarted is not 0 and var write && _clock.Elapsed(write) > options.SendTimeout && session.OwesAnswer)
        {
            session.Abort(CloseReason.WriteTimeout);
        }
        else if (_clock.Elapsed(session.LastReceived) >= options.SilenceTimeout)
        {
            session.Close(CloseReason.HeartbeatTimeout);
        }
        else if (Volatile.Read(ref session.MessageStarted) is not 0 and var message && _clock.Elapsed(message) > options.MessageTimeout)
        {
            session.Close(CloseReason.MessageTimeout);
        }
        else if (!session.IsRegistered
            && options.RegistrationTimeout > TimeSpan.Zero
            && _clock.Elapsed(session.UnregisteredSince) >= options.RegistrationTimeout)
        {
            session.Close(CloseReason.RegistrationTimeout);
        }
        else if (IsPingDue(session))
        {
            session.LastPing = _clock.Now;
            session.TryPing();
        }
    }

    // After a stall everybody is asked again who could be judged by a silence that the stall has made longer.
    private bool IsPingDue(Session session) =>
        _clock.RealTime(session.LastPing) >= options.PingInterval
        || (_clock.IsLate && _clock.RealTime(session.LastReceived) >= options.PingInterval);
}
