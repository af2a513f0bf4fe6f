using System.Diagnostics;
using Relay.Native;

namespace Relay.Benchmarks.Net;

/// <summary>What an exchange of messages came to.</summary>
/// <param name="PerSecond">Messages that arrived, offers and answers alike.</param>
/// <param name="Count">The same in all.</param>
/// <param name="RoundTrips">Microseconds from an offer to its answer, sorted.</param>
internal sealed record Exchange(double PerSecond, long Count, double[] RoundTrips);

/// <summary>Clients on one thread and one epoll.</summary>
/// <param name="ports">Of the servers; client n is at the server n modulo their number, so that partners are at different ones of two.</param>
/// <param name="firstCode">Of the codes that the clients register.</param>
internal sealed class LoadGenerator(int[] ports, int firstCode) : IDisposable
{
    // Handshakes that are on their way at once.
    private const int MaxPending = 200;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly Epoll _epoll = new(512);
    private readonly byte[] _buffer = new byte[64 * 1024];
    private readonly List<LoadClient> _clients = [];
    private readonly List<double> _roundTrips = [];
    private int _opening;
    private long _messages;
    private Action<LoadClient, long> _onAnswer = static (_, _) => { };

    /// <summary>Clients of one server.</summary>
    public LoadGenerator(int port)
        : this([port], firstCode: 0)
    {
    }

    /// <summary>Opens so many clients and returns how many came a second.</summary>
    /// <param name="exchanges">They register as well, and are ready to exchange messages.</param>
    public double Open(int count, bool exchanges)
    {
        var perSecond = Connect(count, exchanges);
        if (exchanges)
        {
            Register(0, count, MaxPending);
        }

        return perSecond;
    }

    /// <summary>Registers those from one number on, so many at once, and returns the microseconds that each batch took, sorted.</summary>
    public double[] Register(int from, int count, int atOnce)
    {
        var times = new List<double>();
        foreach (var batch in _clients.Skip(from).Take(count).Chunk(atOnce))
        {
            var start = Stopwatch.GetTimestamp();
            Array.ForEach(batch, client => client.Register());
            Until(() => batch.All(client => client.Stage == LoadStage.Registered));
            times.Add(Stopwatch.GetElapsedTime(start).TotalMicroseconds);
        }

        times.Sort();
        return [.. times];
    }

    /// <summary>Every pair of registered clients pairs, one pair after another; the microseconds that each took, sorted.</summary>
    public double[] Pair()
    {
        Begin((_, sentAt) => _roundTrips.Add(Stopwatch.GetElapsedTime(sentAt).TotalMicroseconds));
        foreach (var client in _clients.Where(client => client.Number % 2 == 0))
        {
            client.RequestPair(Stopwatch.GetTimestamp());
            Until(() => client.SentAt == 0);
        }

        _roundTrips.Sort();
        return [.. _roundTrips];
    }

    /// <summary>Opens so many clients and returns how many came a second.</summary>
    /// <param name="exchanges">They are to register and to exchange messages.</param>
    public double Connect(int count, bool exchanges)
    {
        var start = Stopwatch.GetTimestamp();
        for (var number = 0; number < count; number++)
        {
            var client = new LoadClient(ports[number % ports.Length], number, exchanges, firstCode);
            _clients.Add(client);
            _opening++;
            if (!_epoll.TryAdd(client.Descriptor, EpollEvents.Readable, (ulong)number))
            {
                throw new IOException("The system watches no more sockets.");
            }

            Until(() => _opening < MaxPending);
        }

        Until(() => _opening == 0);
        return count / Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    /// <summary>Every pair sends to and fro as fast as it can.</summary>
    public Exchange ExchangeAtOnce(TimeSpan length)
    {
        var start = Begin((client, sentAt) =>
        {
            var now = Stopwatch.GetTimestamp();
            _roundTrips.Add(Stopwatch.GetElapsedTime(sentAt, now).TotalMicroseconds);
            client.Offer(now);
        });

        // Those that still wait for an answer go on when it comes.
        foreach (var client in _clients.Where(client => client.Number % 2 == 0 && client.SentAt == 0))
        {
            client.Offer(start);
        }

        return Run(start, length, static _ => { });
    }

    /// <summary>So many offers a second, the pairs taking turns.</summary>
    public Exchange ExchangeAtRate(TimeSpan length, int perSecond)
    {
        var start = Begin((_, sentAt) => _roundTrips.Add(Stopwatch.GetElapsedTime(sentAt).TotalMicroseconds));
        var gap = Stopwatch.Frequency / perSecond;
        var (due, next) = (start, 0);
        return Run(start, length, now =>
        {
            for (; due <= now; due += gap, next = (next + 2) % _clients.Count)
            {
                if (_clients[next].SentAt == 0)
                {
                    _clients[next].Offer(due);
                }
            }
        });
    }

    private string Ports => $"port {string.Join(" or ", ports)}";

    public void Dispose()
    {
        _clients.ForEach(client => client.Dispose());
        _epoll.Dispose();
    }

    private long Begin(Action<LoadClient, long> onAnswer)
    {
        _onAnswer = onAnswer;
        _messages = 0;
        _roundTrips.Clear();
        return Stopwatch.GetTimestamp();
    }

    private Exchange Run(long start, TimeSpan length, Action<long> onTurn)
    {
        while (Stopwatch.GetElapsedTime(start) < length)
        {
            onTurn(Stopwatch.GetTimestamp());
            Turn(timeout: 0);
        }

        var elapsed = Stopwatch.GetElapsedTime(start).TotalSeconds;
        _roundTrips.Sort();
        return new Exchange(_messages / elapsed, _messages, [.. _roundTrips]);
    }

    private void Until(Func<bool> isDone)
    {
        for (var start = Stopwatch.GetTimestamp(); !isDone();)
        {
            Turn(timeout: 10);
            if (Stopwatch.GetElapsedTime(start) > Patience)
            {
                throw new TimeoutException($"No answer on {Ports}.");
            }
        }
    }

    private void Turn(int timeout)
    {
        var count = _epoll.Wait(timeout);
        for (var i = 0; i < count; i++)
        {
            var client = _clients[(int)_epoll.DataAt(i)];
            var before = client.Stage;
            _messages += client.Read(_buffer, _onAnswer);
            if (client.Stage == LoadStage.Gone)
            {
                throw new IOException($"The server has ended client {client.Number} on {Ports}.");
            }

            _opening -= before == LoadStage.Connecting && client.Stage != LoadStage.Connecting ? 1 : 0;
        }
    }
}
