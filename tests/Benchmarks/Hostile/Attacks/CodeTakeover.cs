using Relay.Benchmarks.Hostile.Honest;

namespace Relay.Benchmarks.Hostile.Attacks;

/// <summary>Others wait for an honest client to lose its connection, and try to take its code with a key of their own.</summary>
internal sealed class CodeTakeover : Attack
{
    private const int Sockets = 20;

    private static readonly string OtherKey = Convert.ToBase64String([.. Enumerable.Repeat((byte)7, 32)]);

    public override string Name => "code-takeover";

    public override string Summary => "others register a code whenever its owner has lost its connection";

    public override IEnumerable<HonestScene> Beside(HonestSetting setting, AttackTarget target) => [new ReturningScene(setting)];

    public override void Run(AttackTarget target)
    {
        var sockets = Enumerable.Range(0, Sockets).Select(i => target.Open(target.Address(1 + (i % 4)))).OfType<AttackSocket>().ToList();
        var register = AttackSocket.Frame($$"""{"type":"register","pairingCode":"{{target.Honest.Scene<ReturningScene>().Code}}","publicKey":"{{OtherKey}}"}""");
        for (var next = 0; !target.IsOver; next++)
        {
            var socket = sockets[next % sockets.Count];
            socket.Queue(register);
            target.Count("attempts");
            socket.Pump();
            while (socket.TryRead(out var text))
            {
                if (text.Contains("\"registered\"", StringComparison.Ordinal))
                {
                    target.Fault("a code was taken from its owner while it was away");
                }
            }

            AttackTarget.Breathe();
        }
    }
}
