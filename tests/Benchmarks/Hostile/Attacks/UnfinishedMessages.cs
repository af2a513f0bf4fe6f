namespace Relay.Benchmarks.Hostile.Attacks;

/// <summary>600 sockets of 12 addresses, each with a message of the largest size whose last byte never comes.</summary>
internal sealed class UnfinishedMessages : Attack
{
    private const int Sockets = 600;
    private const int Addresses = 12;
    private const int MessageBytes = 262_144;

    private static readonly byte[] AllButOne = [.. AttackSocket.FrameHead(MessageBytes), .. Enumerable.Repeat((byte)'x', MessageBytes - 1)];

    public override string Name => "unfinished-messages";

    public override string Summary => "600 messages of 256 KiB whose last byte never comes, in a process of 384 MiB";

    public override IReadOnlyDictionary<string, string> Environment { get; } =
        new Dictionary<string, string> { ["DOTNET_GCHeapHardLimit"] = $"{384 * 1024 * 1024:x}" };

    public override void Run(AttackTarget target)
    {
        var sockets = new AttackSocket?[Sockets];
        while (!target.IsOver)
        {
            for (var i = 0; i < Sockets && !target.IsOver; i++)
            {
                if (sockets[i] is null or { IsClosed: true })
                {
                    if (sockets[i] is not null)
                    {
                        target.Count("closed by the relay");
                    }

                    sockets[i] = target.Open(target.Address(1 + (i % Addresses)));
                    sockets[i]?.Queue(AllButOne);
                }

                target.Count("bytes", sockets[i]?.Pump() ?? 0);
                sockets[i]?.Drain();
            }

            AttackTarget.Breathe();
        }
    }
}
