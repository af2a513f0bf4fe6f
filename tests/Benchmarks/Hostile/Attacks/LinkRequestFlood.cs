using Relay.Benchmarks.Hostile.Honest;

namespace Relay.Benchmarks.Hostile.Attacks;

/// <summary>Twelve addresses of one network ask a phone for a link, again whenever it has declined.</summary>
internal sealed class LinkRequestFlood : Attack
{
    private const int Addresses = 12;

    public override string Name => "link-requests";

    public override string Summary => "twelve addresses of one network stand in line at an honest phone";

    public override void Run(AttackTarget target)
    {
        var sockets = target.RegisterMany(Addresses, Addresses);
        var request = AttackSocket.Frame(
            $$"""{"type":"link_request","linkCode":"{{target.Honest.Scene<MeetingScene>().Phone}}","publicKey":"{{HonestClient.Key}}","deviceName":"Yours"}""");
        foreach (var socket in sockets)
        {
            Ask(target, socket, request);
        }

        while (!target.IsOver)
        {
            foreach (var socket in sockets)
            {
                while (socket.TryRead(out var text))
                {
                    if (text.Contains("link_rejected", StringComparison.Ordinal))
                    {
                        Ask(target, socket, request);
                    }
                }
            }

            AttackTarget.Breathe();
        }
    }

    private static void Ask(AttackTarget target, AttackSocket socket, byte[] request)
    {
        socket.Queue(request);
        socket.Pump();
        target.Count("link requests");
    }
}
