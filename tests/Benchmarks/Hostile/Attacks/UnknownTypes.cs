namespace Relay.Benchmarks.Hostile.Attacks;

/// <summary>Messages of a type that is almost as long as a message may be, in characters that some writers escape.</summary>
internal sealed class UnknownTypes : Attack
{
    private const int Sockets = 20;

    private static readonly byte[] Message = AttackSocket.Frame($$"""{"type":"{{new string('\u007f', 200_000)}}"}""");

    public override string Name => "unknown-types";

    public override string Summary => "messages whose unknown type is 200,000 x DEL; their sender gets an error and stays";

    public override void Run(AttackTarget target)
    {
        var sockets = target.RegisterMany(Sockets, addresses: 2);
        for (var round = 0; round < 15 && !target.IsOver; round++)
        {
            foreach (var socket in sockets)
            {
                socket.Queue(Message);
                target.Count("messages");
            }

            target.PumpAll(sockets);
        }

        foreach (var socket in sockets)
        {
            socket.Queue("""{"type":"ping"}""");
            if (socket.Await("\"pong\"") is null)
            {
                target.Fault($"the sender of an unknown type was closed, or heard no more: {socket.CloseReason}");
                return;
            }
        }
    }
}
