namespace Relay.Benchmarks.Hostile.Attacks;

/// <summary>Relays with long names and keys, and clients that ask for a hundred of them again and again.</summary>
internal sealed class RelayQuestions : Attack
{
    // An answer to a question of 60 bytes; the field's amplifiers are measured by this.
    private const int MaxAnswer = 64 * 1024;
    private const int Relays = 150;
    private const int Sockets = 50;

    public override string Name => "relay-questions";

    public override string Summary => "get_relays for a hundred relays with keys of 256 x DEL";

    public override void Run(AttackTarget target)
    {
        var relays = new List<AttackSocket>();
        for (var i = 0; i < Relays && !target.IsOver; i++)
        {
            if (target.Open(target.Address(10 + (i % 4))) is { } socket)
            {
                relays.Add(socket);
                socket.Queue($$"""{"type":"register","peerId":"{{i + new string('r', 120)}}","maxConnections":20,"publicKey":"{{new string('\u007f', 256)}}"}""");
                socket.Pump();
            }
        }

        var sockets = target.RegisterMany(Sockets, addresses: 2);
        var question = AttackSocket.Frame("""{"type":"get_relays","peerId":"me","count":100}""");
        var most = 0;
        for (var round = 0; round < 90 && !target.IsOver; round++)
        {
            foreach (var socket in sockets)
            {
                socket.Queue(question);
                target.Count("questions");
                socket.Pump();
                while (socket.TryRead(out var text))
                {
                    most = Math.Max(most, System.Text.Encoding.UTF8.GetByteCount(text));
                }
            }

            AttackTarget.Breathe();
        }

        target.Count("bytes in the longest answer", most);
        if (most > MaxAnswer)
        {
            target.Fault($"a question of {question.Length} bytes got an answer of {most:#,0}");
        }
    }
}
