using CsCheck;
using Microsoft.Extensions.Time.Testing;
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
        Gen.Select(Gen.Int[0, 15], Gen.Int[0, 3], Gen.Int[0, 3], Gen.Int[0, 7]).Array[0, 150].Sample(
            operations =>
            {
                var run = new Run();
                foreach (var (what, client, chunk, number) in operations)
                {
                    run.Step(what, client, $"chunk{chunk}", number);
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

        public Run()
        {
            _table = new ChunkTable(Options, _time);
            _model = new ChunkModel(Options, _time);
        }

        public void Step(int what, int index, string chunk, int number)
        {
            var client = _clients[index];
            switch (what)
            {
                case < 3:
                    Announce(client, chunk, number < 4 ? null : $"channel{number % 2}");
                    break;
                case < 7:
                    Request(client, chunk);
                    break;
                case < 11:
                    // Clients 0 and 1 own the channels. A digest goes with its size.
                    Push(client, chunk, $"channel{number % 2}", index, $"digest{number}", size: 1 + number);
                    break;
                case < 13 when _inFlight.Count > 0:
                    Finish(_inFlight[number % _inFlight.Count], written: number != 0);
                    break;
                case 13:
                    Leave(index);
                    break;
                case 14 when number == 0 && _lastKept is not null:
                    _table.Lose(_lastKept);
                    _model.Lose(_lastKept.Row);
                    break;
                case 14:
                    Sweep();
                    break;
                default:
                    _time.Advance(TimeSpan.FromSeconds(number * 3));
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

        private void Announce(Client client, string chunk, string? channel)
        {
            var inChannel = _table.Announce(client, channel, [chunk]);
            _model.Announce(client, channel, chunk);
            Assert.Equal(channel is not null && _model.ChannelOf(chunk) == channel, inChannel.Count == 1);
        }

        private void Request(Client client, string chunk)
        {
            var before = _table.Counts();
            var answer = _table.Request(client, chunk, "channel0", notified: false);
            if (answer.Availability == Availability.ToWaitFor)
            {
                // Nothing has happened yet: the client is to be told first.
                Assert.Null(answer.Ask);
                Assert.Equal(before.Pulls, _table.Counts().Pulls);
                answer = _table.Request(client, chunk, "channel0", notified: true);
            }

            Assert.Equal(_model.Request(client, chunk), (answer.Availability, answer.Content?.Row, answer.Ask));
            _lastKept = answer.Content ?? _lastKept;
            Assert.True(answer.Content is null || _disk.Contains(answer.Content.Row), "served from the cache, but not on the disk");
        }

        private void Push(Client client, string chunk, string channel, int index, string digest, int size)
        {
            var belongsTo = _table.ChannelOf(chunk) ?? channel;
            var owned = belongsTo == $"channel{index}" ? belongsTo : null;
            var answer = _table.Accept(client, chunk, channel, owned, digest, size);
            Assert.Equal(_model.Push(client, chunk, channel, owned, digest, size), (answer.Verdict, answer.Content?.Row));
            if (answer.Verdict == PushVerdict.Accepted)
            {
                Assert.Equal(belongsTo, answer.ChannelId);
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
            var isKept = _model.Finish(push.Content.Row, push.Content.Chunk.Id, written, served);
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

            AssertSame(_model.Leave(_clients[index]), _table.Leave(_clients[index]));
            _clients[index] = new Client(null!);
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
            actual.Select(change => (change.ChunkId, Index(change.Next), string.Join(' ', change.Waiters.Select(Index).Order()))).Order());

        private int Index(Client? client) => Array.IndexOf(_clients, client);
    }
}
