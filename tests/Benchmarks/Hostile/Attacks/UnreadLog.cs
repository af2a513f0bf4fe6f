namespace Relay.Benchmarks.Hostile.Attacks;

/// <summary>The log goes into a pipe that is full and that nobody reads, and there is much to log.</summary>
internal sealed class UnreadLog : Attack
{
    // A pipe of Linux holds 64 KiB.
    private const string IntoAFullPipe = "mkfifo pipe && exec 3<>pipe && head -c 65536 /dev/zero >&3 && exec \"$@\" >&3 2>&1";

    public override string Name => "unread-log";

    public override string Summary => "a log that nobody reads, in a flood of things to log";

    public override IReadOnlyList<string> Options => ["--Log:Level=Trace"];

    public override IReadOnlyList<string> Wrapper => ["bash", "-c", IntoAFullPipe, "relayd"];

    public override void Run(AttackTarget target)
    {
        while (!target.IsOver)
        {
            using var socket = target.Open(target.Address(1 + (int)(target.Counted("connections") % 8)));
            socket?.Queue(new byte[] { 0xFF, 0xFF, 0xFF, 0xFF });
            socket?.Pump();
        }
    }
}
