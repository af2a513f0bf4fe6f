using Relay.Configuration;

namespace Relay.Clients;

/// <summary>The names that clients go by: pairing codes and peer ids.</summary>
internal sealed class ClientOptions
{
    /// <summary>How long a name stays reserved for its public key when its socket is gone. 0: it is free at once.</summary>
    [DurationRange("0", "1h")]
    public TimeSpan NameHold { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>Names reserved in this way, of each kind; one more frees the oldest of whichever address has most.</summary>
    internal int MaxHeldNames { get; set; } = 65_536;

    /// <summary>Time that a socket has to answer a ping when another with its key claims its name.</summary>
    internal TimeSpan PingTimeout { get; set; } = TimeSpan.FromSeconds(3);
}
