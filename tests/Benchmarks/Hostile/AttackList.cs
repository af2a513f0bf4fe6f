using Relay.Benchmarks.Hostile.Attacks;

namespace Relay.Benchmarks.Hostile;

/// <summary>All attacks, in the order in which they run.</summary>
internal static class AttackList
{
    public static readonly IReadOnlyList<Attack> All =
    [
        new UnfinishedMessages(),
        new BodiesThatNeverCome(),
        new IdleHandshakes(),
        new IdleHandshakesBehindProxy(),
        new UpstreamFlood(),
        new RendezvousFlood(),
        new ChunkAnnouncements(),
        new ChunkCacheFlood(),
        new PairRequestFlood(),
        new LinkRequestFlood(),
        new FederationSockets(),
        new SlowReceiverFlood(),
        new ChunkAnnounceStorm(),
        new RelayQuestions(),
        new LargeDeadDrops(),
        new UnknownTypes(),
        new CodeTakeover(),
        new SilentHolder(),
        new BadHeaders(),
        new LoneSurrogates(),
        new AdminGarbage(),
        new NeverReading(),
        new UnreadLog(),
        new OldHttp(),
        new StoppedProcess(),
    ];
}
