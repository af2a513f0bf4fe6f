namespace Relay.Benchmarks.Cluster;

/// <summary>
/// What `make bench-cluster` has measured, and what the model takes for granted. Whoever has measured anew writes the figures here; `make docs` takes
/// them to docs/scaling.md.
/// </summary>
internal static class ScalingCosts
{
    // CPU in microseconds. A relay's and NATS' share of what goes from a client of one node to one of another.
    public const double LocalForward = 7.5;
    public const double RemoteForward = 28.4;
    public const double NatsForward = 14;

    // Pairings one after another, each of whose messages wakes every process: less where there are many at once.
    public const double LocalPairing = 48;
    public const double RemotePairing = 520;
    public const double NatsPairing = 250;

    // The same wherever its name is.
    public const double Registration = 130;
    public const double NatsRegistration = 40;

    // CPU in microseconds for whoever hears it, and of NATS for each that hears it.
    public const double Heartbeat = 20.7;
    public const double CountsMessage = 18.7;
    public const double CountedKey = 0.45;
    public const double NatsDelivery = 1.5;

    // Microseconds a second of a node that has nothing to do.
    public const double IdleNode = 11_400;

    // Messages between nodes, and their bytes without what NATS adds.
    public const double ForwardMessages = 2;
    public const double ForwardBytes = 300;
    public const double PairingMessages = 3;
    public const double PairingBytes = 209;
    public const double HeartbeatBytes = 72;
    public const double CountsHeadBytes = 40;
    public const double KeyBytes = 11;

    // Bytes of memory of a registered client at its relay (with 4,000 in the kernel), and of a name in a NATS server.
    public const double ClientMemory = 8_000;
    public const double NatsName = 1_600;

    // Of NATS' own protocol: command, subject, where to answer.
    public const double NatsHead = 90;

    // Fixed by the program.
    public const double MaxKeysOfNode = 200_000;
    public const double MaxKeys = 1_000_000;
    public const double CountsEvery = 0.5;
    public const double AllCountsEvery = 10;
    public const double KeysPerMessage = 2_000;
    public const double ConfirmedPerSecond = 5_000;

    // Taken for granted of the clients.
    public const double Sockets = 10_000_000;
    public const double SocketSeconds = 600;
    public const double SocketsPerPairing = 2;
    public const double ForwardsPerPairing = 20;
}
