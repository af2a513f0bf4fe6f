using static Relay.Benchmarks.Cluster.ScalingCosts;

namespace Relay.Benchmarks.Cluster;

/// <summary>What a cluster of so many nodes has to do for <see cref="Sockets"/> clients. Rates are per second, of one node unless they say otherwise.</summary>
internal sealed class ScalingModel(int nodes)
{
    private const double MicrosecondsPerSecond = 1e6;

    private double Others => nodes - 1;

    /// <summary>The part of all pairs whose two clients are at different nodes: clients are spread by chance.</summary>
    private double Across => Others / nodes;

    public double Clients => Sockets / nodes;

    public double MemoryBytes => Clients * ClientMemory;

    public double Registrations => Clients / SocketSeconds;

    public double Pairings => Registrations / SocketsPerPairing;

    public double Forwards => Pairings * ForwardsPerPairing;

    /// <summary>Addresses with a connection at one node: where clients are spread by chance, hardly two clients of a node have the same.</summary>
    public double KeysTold => Math.Min(Clients, MaxKeysOfNode);

    /// <summary>The part of the others' addresses that a node keeps.</summary>
    public double KeptPart => Math.Min(Others * KeysTold, MaxKeys) / (Others * Clients);

    /// <summary>Keys that a node hears: every one that has changed, at its coming and its going, and all at every tenth second.</summary>
    public double KeysHeard => Others * ((KeysTold / AllCountsEvery) + (2 * Registrations));

    public double CountsHeard => (Others / CountsEvery) + (KeysHeard / KeysPerMessage);

    /// <summary>The questions of a registration have nobody who hears them.</summary>
    public double MessagesHeard => (Forwards * Across * ForwardMessages) + (Pairings * Across * PairingMessages) + Others + CountsHeard;

    public double BytesForClients =>
        (Forwards * Across * (ForwardBytes + (ForwardMessages * NatsHead))) + (Pairings * Across * (PairingBytes + (PairingMessages * NatsHead)));

    public double BytesForCounts => (CountsHeard * (CountsHeadBytes + NatsHead)) + (KeysHeard * KeyBytes);

    public double BytesForHeartbeats => Others * (HeartbeatBytes + NatsHead);

    public double CoresForClients => Cores(
        (Forwards * ((Across * RemoteForward) + ((1 - Across) * LocalForward))) + (Pairings * ((Across * RemotePairing) + ((1 - Across) * LocalPairing)))
        + (Registrations * Registration));

    public double CoresForCounts => Cores((CountsHeard * CountsMessage) + (KeysHeard * CountedKey));

    public double CoresForHeartbeats => Cores((Others * Heartbeat) + IdleNode);

    /// <summary>Of all NATS servers. What goes from one server to another passes two.</summary>
    public double NatsCoresForClients => nodes * 2 * Cores(
        (Forwards * Across * NatsForward) + (Pairings * Across * NatsPairing) + (Registrations * NatsRegistration));

    public double NatsDeliveries => nodes * (Others + CountsHeard);

    public double NatsCoresForNodes => Cores(NatsDeliveries * NatsDelivery);

    public double NatsBytes => nodes * (BytesForClients + BytesForCounts + BytesForHeartbeats);

    /// <summary>Each server knows the names of all.</summary>
    public double NatsMemoryBytes => Sockets * NatsName;

    /// <summary>Seconds until the names of a node are confirmed that was connected anew.</summary>
    public double ConfirmSeconds => Clients / ConfirmedPerSecond;

    private static double Cores(double microseconds) => microseconds / MicrosecondsPerSecond;
}
