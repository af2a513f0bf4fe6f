using Relay.Benchmarks.Hostile.Honest;

namespace Relay.Benchmarks.Hostile.Attacks;

/// <summary>
/// Others register honest clients' codes with those clients' keys, which are public, as if they were their owners with a new
/// connection. An honest client whose old connection is dead does the same, and must get its code.
/// </summary>
internal sealed class SilentHolder : Attack
{
    private const int Sockets = 40;

    public override string Name => "silent-holder";

    public override string Summary => "others register codes of connected clients with their keys; a client with a dead connection must get its own";

    public override IEnumerable<HonestScene> Beside(HonestSetting setting, AttackTarget target) => [new DeadConnectionScene(setting)];

    public override void Run(AttackTarget target)
    {
        var sockets = Enumerable.Range(0, Sockets).Select(i => target.Open(target.Address(1 + (i % 4)))).OfType<AttackSocket>().ToList();
        var register = AttackSocket.Frame(
            $$"""{"type":"register","pairingCode":"{{target.Honest.Scene<MeetingScene>().Target}}","publicKey":"{{HonestClient.Key}}"}""");
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
                    target.Fault("a code was taken from a client that is there");
                }
            }

            AttackTarget.Breathe();
        }
    }
}
