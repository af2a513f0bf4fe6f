using System.Text;

namespace Relay.Benchmarks.Hostile.Attacks;

/// <summary>3,000 requests from one address that announce a body and send none.</summary>
internal sealed class BodiesThatNeverCome : Attack
{
    private const int Requests = 3000;

    // The relay's limit of pending handshakes of one address is 100; more are in the middle of being closed.
    private const int MaxFiles = 1000;

    private static readonly byte[][] Heads =
    [
        Encoding.ASCII.GetBytes("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n"),
        Encoding.ASCII.GetBytes("POST /health HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"),
        Encoding.ASCII.GetBytes("GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n"),
        Encoding.ASCII.GetBytes("PUT /stats HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\n"),
    ];

    public override string Name => "bodies-that-never-come";

    public override string Summary => "3,000 requests of one address that announce a body and send none";

    public override void Run(AttackTarget target)
    {
        var before = ProcessTimes.OpenFiles(target.Relay.ProcessId);
        var most = 0;
        for (var i = 0; i < Requests && !target.IsOver; i++)
        {
            if (target.Connect(target.Address(1)) is { } socket)
            {
                socket.NeverWait();
                socket.Queue(Heads[i % Heads.Length]);
                socket.Pump();
                target.Count("requests");
            }

            if (i % 100 == 99)
            {
                most = Math.Max(most, ProcessTimes.OpenFiles(target.Relay.ProcessId) - before);
            }
        }

        target.Count("files held at most", most);
        if (most > MaxFiles)
        {
            target.Fault($"one address held {most} files of the relay with requests alone");
        }
    }
}
