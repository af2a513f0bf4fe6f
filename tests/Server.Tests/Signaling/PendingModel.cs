using Microsoft.Extensions.Time.Testing;
using Relay.Addresses;
using Relay.Clients;
using Relay.Signaling;

namespace Server.Tests.Signaling;

/// <summary>The table of pending requests beside a list that says what it should do, written the obvious way.</summary>
internal sealed class PendingModel
{
    public const int Clients = 5;
    public const int Places = 3;

    private readonly FakeTimeProvider _time = new();
    private readonly SignalingOptions _options = new() { PendingPerTarget = Places };
    private readonly PendingRequests _table;
    private readonly Client[] _clients = [.. Enumerable.Range(0, Clients).Select(_ => new Client(null!))];

    // In the order of their age.
    private readonly List<PendingRequest> _open = [];
    private readonly List<PendingRequest> _ended = [];
    private readonly List<PendingRequest> _warned = [];

    public PendingModel() => _table = new PendingRequests(_options, _time);

    public static PendingRequest Request(RequestKind kind, Client from, Client to, int address = 0, string code = "AAAAAA") => new()
    {
        Kind = kind,
        From = from,
        FromCode = code,
        FromKey = "key",
        FromAddress = new IpKey(0, (ulong)address, 32),
        To = to,
        ToCode = "BBBBBB",
    };

    public void Add(RequestKind kind, int from, int to, int address)
    {
        var request = Request(kind, _clients[from], _clients[to], address, $"code{from}");
        var waiting = _open.Where(open => open.Kind == kind && open.To == request.To).ToList();
        var earlier = waiting.Find(open => open.From == request.From);
        var isFull = earlier is null && waiting.Count == (kind == RequestKind.Link ? 1 : Places);
        var held = waiting.ToLookup(open => open.FromAddress);

        if (!_table.TryAdd(request, out var displaced))
        {
            Assert.True(isFull && displaced is null);
            Assert.All(held, address => Assert.True(address.Count() <= held[request.FromAddress].Count() + 1));
            return;
        }

        if (isFull)
        {
            var crowd = held[displaced!.FromAddress].ToList();
            Assert.Equal(held.Max(address => address.Count()), crowd.Count);
            Assert.True(crowd.Count > held[request.FromAddress].Count() + 1);
            Assert.Same(crowd[^1], displaced);
        }
        else
        {
            Assert.Same(earlier, displaced);
        }

        End(displaced);
        _open.Add(request);
    }

    public void Answer(RequestKind kind, int from, int to, bool named)
    {
        var expected = _open.Find(open => open.Kind == kind && open.To == _clients[to] && (!named || open.From == _clients[from]));
        Assert.Same(expected, _table.Take(kind, _clients[to], named ? $"code{from}" : null));
        End(expected);
    }

    public void Leave(int client)
    {
        _clients[client].HasLeft = true;
        foreach (var kind in Enum.GetValues<RequestKind>())
        {
            var expected = _open.Where(open => open.Kind == kind && (open.From == _clients[client] || open.To == _clients[client])).ToHashSet();
            var ended = _table.TakeAll(kind, _clients[client]);
            Assert.Equal(expected.Count, ended.Count);
            Assert.All(ended, request => Assert.Contains(request, expected));
            foreach (var request in ended)
            {
                End(request);
            }
        }

        // Its code is the next one's.
        _clients[client] = new Client(null!);
    }

    public void Wait(TimeSpan time)
    {
        _time.Advance(time);
        while (_table.TakeExpiring() is { } request)
        {
            Assert.Equal(RequestKind.Pair, request.Kind);
            Assert.Contains(request, _open);
            Assert.DoesNotContain(request, _warned);
            Assert.True(_time.GetElapsedTime(request.MadeAt) >= _options.PairRequestTimeout - _options.PairRequestWarning);
            _warned.Add(request);
        }

        while (_table.TakeExpired() is { } request)
        {
            Assert.Same(_open[0], request);
            Assert.True(request.Kind == RequestKind.Link || _warned.Contains(request));
            End(request);
        }

        Assert.All(_open, request => Assert.True(_time.GetElapsedTime(request.MadeAt) < _options.PairRequestTimeout));
    }

    public void Check()
    {
        foreach (var kind in Enum.GetValues<RequestKind>())
        {
            Assert.Equal(_open.Count(request => request.Kind == kind), _table.Count(kind));
        }
    }

    public void Finish()
    {
        Wait(_options.PairRequestTimeout);
        Check();
        Assert.Empty(_open);
        Assert.Equal(_ended.Count, _ended.Distinct().Count());
    }

    private void End(PendingRequest? request)
    {
        if (request is not null)
        {
            Assert.True(_open.Remove(request));
            _ended.Add(request);
        }
    }
}
