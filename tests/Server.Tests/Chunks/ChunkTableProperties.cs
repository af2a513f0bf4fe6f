using CsCheck;
using Microsoft.Extensions.Time.Testing;
using Relay.Addresses;
using Relay.Channels;
using Relay.Chunks;
using Relay.Clients;

namespace Server.Tests.Chunks;

public sealed class ChunkTableProperties
{
    /// <summary>
    /// Any sequence of operations gives, step by step, what flat lists give: nobody waits twice or is answered twice, every
    /// bound holds, and when all have left and all lives are over, nothing is left in memory or on the disk.
    /// </summary>
    [Fact]
    public void AnyOperations_MatchTheModel_AndEndEmpty() =>
        Gen.Select(Gen.Int[0, 15], Gen.Int[0, 3], Gen.Int[0, 3], Gen.Int[0, 15]).Array[0, 150].Sample(
            operations =>
            {
                var run = new Run();
                foreach (var (what, client, chunk, number) in operations)
                {
                    run.Step(what, client, $"channel{chunk / 2}/chunk{chunk % 2}", number);
                    run.Check();
                }

                run.End();
            },
            iter: 500);

    private sealed class Run
    {
        private static readonly ChunkOptions Options = new()
        {
            CacheChunks = 2,
            CacheBytes = 10,
            AnnouncedPerSocket = 3,
            AnnouncedTotal = 5,
            PullsPerSocket = 2,
            WaitersPerPull = 2,
            PullTimeout = TimeSpan.FromSeconds(30),
            CacheLifetime = TimeSpan.FromSeconds(45),
            SourceLifetime = TimeSpan.FromSeconds(60),
        };

        private readonly FakeTimeProvider _time = new();
        private readonly ChunkTable _table;
        private readonly ChunkModel _model;
        private readonly Client[] _clients = [.. Enumerable.Range(0, 4).Select(_ => new Client(null!))];
        private readonly List<(CachedChunk Content, Client Pusher)> _inFlight = [];
        private readonly HashSet<long> _disk = [];
        private CachedChunk? _lastKept;
        private long _served;

        private readonly ChannelTable _channels;

        public Run()
        {
            _channels = ChunkTables.Channels(_time);
            _table = new ChunkTable(Options, _channels, _time);
            _model = new ChunkModel(Options, _channels.OwnerOf, AddressOf, _time);
            Own(0);
            Own(1);
        }

        public void Step(int what, int index, string chunk, int number)
        {
            var client = _clients[index];
            switch (what)
            {
                case < 3:
                    Announce(client, number < 8 ? chunk[chunk.IndexOf('/')..] : chunk);
                    break;
                case < 7:
                    Request(client, chunk);
                    break;
                case < 11:
                    // Clients 0 and 1 own the channels. A digest goes with its size.
                    Push(client, chunk, $"digest{number % 8}", size: 1 + (number % 8));
                    break;
                case < 13 when _inFlight.Count > 0:
                    Finish(_inFlight[number % _inFlight.Count], written: number % 8 != 0);
                    break;
                case 13:
                    Leave(index);
                    break;
                case 14 when number < 2 && _lastKept is not null:
                    _table.Lose(_lastKept);
                    _model.Lose(_lastKept.Row);
                    break;
                case 14:
                    Sweep();
                    break;
                default:
                    _time.Advance(TimeSpan.FromSeconds(number * 1.5));
                    break;
            }
        }

        public void Check()
        {
            Assert.Equal(_model.Counts(_served), _table.Counts());
            foreach (var channel in (string[])["channel0", "channel1"])
            {
                Assert.Equal(_model.KeptIn(channel).Order(), _table.KeptIn(channel, 100).Order());
            }
        }

        public void End()
        {
            foreach (var push in _inFlight.ToArray())
            {
                Finish(push, written: true);
            }

            for (var i = 0; i < _clients.Length; i++)
            {
                Leave(i);
            }

            Assert.Empty(_model.Waits);
            Assert.Equal((0, 0), (_table.Counts().Sources, _table.Counts().Pulls));
            _time.Advance(TimeSpan.FromSeconds(45));
            Sweep();
            Assert.Equal(new ChunkCounts(0, 0, 0, 0, 0, 0, _served), _table.Counts());
            Delete();
            Assert.Empty(_disk);
        }

        // Clients 2 and 3 share an address.
        private IpKey AddressOf(Client client) => IpKey.FromIpv4((uint)Math.Min(Index(client), 2) << 8);

        private void Own(int index) => _channels.Own(_clients[index], $"channel{index}");

        private void Announce(Client client, string chunk)
        {
            var (channel, id) = Parts(chunk);
            _table.Announce(client, AddressOf(client), channel.Length > 0 ? channel : null, [id]);
            _model.Announce(client, chunk);
        }

        private void Request(Client client, string chunk)
        {
            var before = _table.Counts();
            var (channel, id) = Parts(chunk);
            var answer = _table.Request(client, AddressOf(client), id, channel, notified: false);
            if (answer.Availability == Availability.ToWaitFor)
            {
                // Nothing has happened yet: the client is to be told first.
                Assert.Null(answer.Ask);
                Assert.Equal(before.Pulls, _table.Counts().Pulls);
                answer = _table.Request(client, AddressOf(client), id, channel, notified: true);
            }

            Assert.Equal(_model.Request(client, chunk), (answer.Availability, answer.Content?.Row, (Client?)answer.Ask, (Client?)answer.Displaced));
            _lastKept = answer.Content ?? _lastKept;
            Assert.True(answer.Content is null || _disk.Contains(answer.Content.Row), "served from the cache, but not on the disk");
        }

        private void Push(Client client, string chunk, string digest, int size)
        {
            var (channel, id) = Parts(chunk);
            var answer = _table.Accept(client, AddressOf(client), id, channel, digest, size);
            Assert.Equal(_model.Push(client, chunk, digest, size), (answer.Verdict, answer.Content?.Row));
            if (answer.Verdict == PushVerdict.Accepted)
            {
                _inFlight.Add((answer.Content!, client));
            }
        }

        private void Finish((CachedChunk Content, Client Pusher) push, bool written)
        {
            _inFlight.Remove(push);
            if (written)
            {
                _disk.Add(push.Content.Row);
            }

            var served = new List<Client>();
            var isKept = _model.Finish(push.Content.Row, $"{push.Content.Chunk.ChannelId}/{push.Content.Chunk.Id}", written, served);
            var waiters = _table.Finish(push.Content, written);
            Assert.Equal(served.Select(Index).Order(), waiters.Select(Index).Order());
            _served += served.Count;
            Delete();
            Assert.Equal(isKept, _disk.Contains(push.Content.Row));
        }

        private void Leave(int index)
        {
            // A socket handles one message at a time: its push has ended when it leaves.
            foreach (var push in _inFlight.Where(push => push.Pusher == _clients[index]).ToArray())
            {
                Finish(push, written: true);
            }

            // Channels are left before chunks.
            _channels.Remove(_clients[index]);
            AssertSame(_model.Leave(_clients[index]), _table.Leave(_clients[index]));
            _clients[index] = new Client(null!);
            if (index < 2)
            {
                Own(index);
            }
        }

        private void Sweep()
        {
            var changes = new List<PullChange>();
            Assert.False(_table.Sweep(changes));
            AssertSame(_model.Sweep(), changes);
        }

        private void Delete()
        {
            foreach (var row in _table.TakeDeadRows(100))
            {
                Assert.True(_disk.Remove(row), "a row that the disk does not have, or that is deleted twice");
            }
        }

        private void AssertSame(List<(string Chunk, Client? Next, List<Client> Failed)> expected, IEnumerable<PullChange> actual) => Assert.Equal(
            expected.Select(change => (change.Chunk, Index(change.Next), string.Join(' ', change.Failed.Select(Index).Order()))).Order(),
            actual.Select(change => ($"{change.ChannelId}/{change.ChunkId}", Index(change.Next), string.Join(' ', (change.Next is null ? change.Waiters : []).Select(Index).Order()))).Order());

        private static (string Channel, string Id) Parts(string chunk) => (chunk.Split('/')[0], chunk.Split('/')[1]);

        private int Index(Party? client) => Array.IndexOf(_clients, client);
    }
}
