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
    private readonly HashSet<PendingRequest> _shown = [];
    private readonly Dictionary<Client, List<PendingRequest>> _turns = [];

    public PendingModel() => _table = new PendingRequests(_options, _time);

    public static PendingRequest Request(RequestKind kind, Party from, Client to, int address = 0, string code = "AAAAAA") =>
        Request(kind, from, to, new IpKey(0, (ulong)address, 32), code);

    public static PendingRequest Request(RequestKind kind, Party from, Client to, IpKey address, string code = "AAAAAA") => new()
    {
        Kind = kind,
        From = from,
        FromCode = code,
        FromKey = "key",
        FromAddress = address,
        To = to,
        ToCode = "BBBBBB",
    };

    public void Add(RequestKind kind, int from, int to, int address)
    {
        // A socket's address stays; which one asked again matters where a repeat keeps its turn.
        address = kind == RequestKind.Link ? from % 4 : address;
        var request = Request(kind, _clients[from], _clients[to], address, $"code{from}");
        var waiting = _open.Where(open => open.Kind == kind && open.To == request.To).ToList();
        var earlier = waiting.Find(open => open.From == request.From);
        var isFull = earlier is null && waiting.Count == Places;
        var held = waiting.ToLookup(open => open.FromAddress);
        var isSecondOfAddress = earlier is null && kind == RequestKind.Link && held.Contains(request.FromAddress);

        if (!_table.TryAdd(request, out var displaced))
        {
            if (isSecondOfAddress)
            {
                Assert.Null(displaced);
                return;
            }

            Assert.True(isFull && displaced is null);
            Assert.All(held, address => Assert.True(address.Count() <= held[request.FromAddress].Count() + 1));
            return;
        }

        Assert.False(isSecondOfAddress);
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
        if (kind == RequestKind.Link)
        {
            // A phone is shown the first in turn, and a repeat of it anew.
            var turns = _turns.TryGetValue(request.To, out var known) ? known : _turns[request.To] = [];
            var turn = earlier is null ? -1 : turns.IndexOf(earlier);
            turns.Insert(turn < 0 ? turns.Count : turn, request);
            turns.RemoveAll(waits => !_open.Contains(waits));
            Show(request.To);
        }
    }

    public void Answer(RequestKind kind, int from, int to, bool named)
    {
        // Links are answered without a name: the one that is shown.
        named &= kind == RequestKind.Pair;
        var expected = kind == RequestKind.Link
            ? Turns(_clients[to]).FirstOrDefault()
            : _open.Find(open => open.Kind == kind && open.To == _clients[to] && (!named || open.From == _clients[from]));
        Assert.Same(expected, _table.Take(kind, _clients[to], named ? $"code{from}" : null));
        End(expected);
        Show(_clients[to]);
    }

    public void Leave(int client)
    {
        _clients[client].MarkLeft();
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

            _clients.ToList().ForEach(Show);
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
            Show(request.To);
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

    private List<PendingRequest> Turns(Client to) => [.. (_turns.GetValueOrDefault(to) ?? []).Where(_open.Contains)];

    private void Show(Client to)
    {
        var next = Turns(to).FirstOrDefault();
        var shown = _table.TakeNextToShow(to);
        Assert.True(shown is null ? next is null || _shown.Contains(next) : shown == next && _shown.Add(shown));
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
