using System.Net;

namespace Relay.Benchmarks.Churn;

/// <summary>
/// Two clients who stay, and send each other numbered offers in turn; beside it they send offers to those who come and go, in whatever
/// stage these are. Every offer of the partner must come, in order, and every error must be about an offer of one's own.
/// </summary>
internal sealed class ChurnPair(int number, int port, ChurnCodes codes)
{
    private const int Shots = 3;

    private readonly Random _random = new(number);
    private readonly Queue<string> _shotAt = [];

    /// <summary>Offers that came to the partner; those that were sent to others.</summary>
    public (long Exchanged, long Sent) Counts { get; private set; }

    /// <summary>Frames that named the client that they came to.</summary>
    public long Proven { get; private set; }

    public void Run(CancellationToken stop)
    {
        using var first = Register(0, out var own);
        using var second = Register(1, out var partners);
        var (from, to) = ((Socket: first, Check: own), (Socket: second, Check: partners));
        for (var round = 0; round == 0 || !stop.IsCancellationRequested; round++)
        {
            from.Socket.SendText(Offer(to.Check.Code, $"-{round}"));
            Shoot(to.Socket, to.Check.Code, round);
            Receive(to.Socket, to.Check, round);
            Counts = (Counts.Exchanged + 1, Counts.Sent);
            (from, to) = (to, from);
        }

        Proven = own.Proven + partners.Proven;
        first.Reset();
        second.Reset();
    }

    private static string Offer(string code, string detail) => $$"""{"type":"offer","target":"{{code}}","payload":"{{code}}{{detail}}"}""";

    private ChurnSocket Register(int which, out FrameCheck check)
    {
        check = new FrameCheck(codes.New());
        var socket = new ChurnSocket(new IPAddress([127, 0, 3, (byte)(1 + (2 * number) + which)]), port, new byte[32 * 1024]);
        socket.Register(check.Code, check);
        return socket;
    }

    // The pong comes after the answers to all that was sent before its ping.
    private void Shoot(ChurnSocket socket, string code, int round)
    {
        _shotAt.Clear();
        for (var shot = 0; shot < Shots; shot++)
        {
            if (codes.Any(_random) is { } target)
            {
                _shotAt.Enqueue(target);
                socket.SendText(Offer(target, ""));
            }
        }

        Counts = (Counts.Exchanged, Counts.Sent + _shotAt.Count);
        socket.Send(ChurnSocket.Frame(0x89, $"{code}-{round}"));
    }

    private void Receive(ChurnSocket socket, FrameCheck check, int round)
    {
        for (int offers = 1, pongs = 1; offers + pongs > 0;)
        {
            var kind = check.Next(socket);
            if (kind is FrameKind.Offer or FrameKind.Pong)
            {
                (offers, pongs) = kind == FrameKind.Offer ? (offers - 1, pongs) : (offers, pongs - 1);
                if (check.Detail != $"-{round}" || offers < 0 || pongs < 0)
                {
                    throw new ChurnException($"a pair was to get {kind} {round} and got '{check.Detail}'");
                }
            }
            else if (kind == FrameKind.Error)
            {
                // Those before it were found.
                var isOwn = false;
                while (!isOwn && _shotAt.TryDequeue(out var target))
                {
                    isOwn = target == check.Detail;
                }

                if (!isOwn)
                {
                    throw new ChurnException($"WRONG SOCKET: {check.Code} was told of {check.Detail}, which it had sent nothing");
                }
            }
            else if (kind == FrameKind.Busy)
            {
                // About one of those that were not answered yet.
                if (!_shotAt.TryDequeue(out _))
                {
                    throw new ChurnException($"WRONG SOCKET: {check.Code} was told that somebody is busy to whom it had sent nothing");
                }
            }
            else if (kind != FrameKind.Ping)
            {
                throw new ChurnException($"a pair got {kind}");
            }
            else
            {
                socket.Send(ChurnSocket.Frame(0x8A, ""));
            }
        }
    }
}
