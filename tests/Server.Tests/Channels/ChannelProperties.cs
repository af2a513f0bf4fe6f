using System.Buffers;
using CsCheck;
using Microsoft.Extensions.Time.Testing;
using Relay.Channels;
using Relay.Clients;
using Relay.Memory;
using Relay.Protocol;
using Relay.Sessions;

namespace Server.Tests.Channels;

public sealed class ChannelProperties
{
    private const int Clients = 4;

    /// <summary>Any sequence of operations gives what the obvious model gives, step by step, and ends with nothing left.</summary>
    [Fact]
    public void AnyOperations_MatchTheModel_AndEndEmpty() =>
        Gen.Select(Gen.Int[0, 13], Gen.Int[0, Clients - 1], Gen.Int[0, 2]).Array[0, 100].Sample(
            operations =>
            {
                var run = new Run();
                foreach (var (what, client, channel) in operations)
                {
                    run.Step(what, client, channel);
                }

                run.End();
            },
            iter: 500);

    private sealed class Run
    {
        private readonly ChannelOptions _options = new() { OwnedPerSocket = 2, SubscriptionsPerSocket = 2, UpstreamQueue = 3 };
        private readonly FakeTimeProvider _time = new();
        private readonly Client[] _clients = [.. Enumerable.Range(0, Clients).Select(_ => new Client(null!))];
        private readonly ChannelModel _model;
        private readonly StreamTable _streams;
        private readonly UpstreamQueue _upstream;
        private readonly MemoryBudget _memory = new(1 << 20);
        private readonly ChannelTable _table;
        private int _number;

        public Run()
        {
            _model = new ChannelModel(_options.OwnedPerSocket, _options.SubscriptionsPerSocket, _options.UpstreamQueue);
            var directory = new ChannelDirectory(_time);
            _streams = new StreamTable(directory);
            _upstream = new UpstreamQueue(directory, _options, new ClientSessionOptions(), _memory, _time);
            _table = new ChannelTable(directory, _streams, _upstream, _options);
        }

        public void Step(int what, int client, int channel)
        {
            var (who, id) = (_clients[client], Id(channel));
            switch (what)
            {
                case 0 or 1:
                    Assert.Equal(_model.Own(client, channel), _table.Own(who, id));
                    break;
                case 2 or 3 or 4:
                    Assert.Equal(_model.Subscribe(client, channel), _table.Subscribe(who, id));
                    break;
                case 5 or 6 when _model.IsSubscriber(channel, client):
                    Join(client, channel, notified: what == 5 ? null : _model.Live(channel));
                    break;
                case 7:
                    Start(client, channel);
                    break;
                case 8:
                    End(client, channel);
                    break;
                case 9:
                    Frame(client, channel);
                    break;
                case 10:
                    Post(client, channel);
                    break;
                case 11:
                    Deliver(channel, atMost: client == 0 ? 10 : client - 1);
                    break;
                case 12:
                    Leave(client);
                    break;
                case 13:
                    Pass(client * 100);
                    break;
            }

            Assert.Equal(_model.IsOwner(channel, client), _table.OwnerOf(id) == who);
            Assert.Equal(_model.IsOwner(channel, client) || _model.IsSubscriber(channel, client), _table.IsMember(id, who));
            Assert.Equal(_model.Audience(channel), Numbers(_table.Subscribers(id)));
            _model.Check(_table, Id);
        }

        public void End()
        {
            for (var client = 0; client < Clients; client++)
            {
                Leave(client);
            }

            Pass(300);
            Assert.Equal(default, _table.Counts() with { FramesSent = 0, UpstreamDropped = 0 });
            Assert.Empty(_table.Snapshot());
            Assert.Equal(0, _memory.Used);
        }

        private void Join(int client, int channel, LiveStream? notified)
        {
            var joins = _model.Live(channel) == notified;
            Assert.Equal(joins, _streams.TryJoin(_clients[client], Id(channel), notified, out var live));
            Assert.Same(_model.Live(channel), live);
            if (joins)
            {
                _model.Join(client, channel);
            }
        }

        private void Start(int client, int channel)
        {
            var stream = new LiveStream("live", null);
            var owns = _model.IsOwner(channel, client);
            Assert.Equal(owns, _streams.TryStart(_clients[client], Id(channel), stream, out var audience, out _));
            Assert.Equal(owns ? _model.Audience(channel) : [], Numbers(audience));
            if (owns)
            {
                _model.SetLive(channel, stream);
            }
        }

        private void End(int client, int channel)
        {
            var live = _model.IsOwner(channel, client) ? _model.Live(channel) : null;
            Assert.Same(live, _streams.End(_clients[client], Id(channel), out var audience));
            Assert.Equal(live is not null ? _model.Audience(channel) : [], Numbers(audience));
            if (live is not null)
            {
                _model.SetLive(channel, null);
            }
        }

        private void Frame(int client, int channel)
        {
            var live = _model.IsOwner(channel, client) && _model.Live(channel) is not null;
            var found = _streams.FindLive(_clients[client], Id(channel), out var audience);
            Assert.Equal(live, found is not null);
            Assert.Equal(live ? _model.Audience(channel) : [], Numbers(audience));
            if (found is not null)
            {
                _streams.CountFrames(found, 1, 0);
                _model.CountFrame(channel);
            }
        }

        private void Post(int client, int channel)
        {
            var subscribes = _model.IsSubscriber(channel, client);
            Assert.Equal(subscribes, _upstream.TryRoute(_clients[client], Id(channel), out var owner));
            if (!subscribes)
            {
                return;
            }

            Assert.Equal(_model.IsFree(channel), owner is not null);
            if (owner is null)
            {
                _upstream.Add(Id(channel), default, new SharedMessage(new EncodedMessage(ArrayPool<byte>.Shared.Rent(10), 10, receivedAt: ++_number)));
                _model.Wait(channel, _number);
            }
        }

        // The owner takes so many and then no more.
        private void Deliver(int channel, int atMost)
        {
            var expected = _model.Deliver(channel, atMost);
            var delivered = new List<int>();
            if (_upstream.BeginDelivery(Id(channel)) is { } found)
            {
                Assert.Null(_upstream.BeginDelivery(Id(channel)));
                var step = default(DeliveryStep);
                while (_upstream.TryNext(found, ref step))
                {
                    if (step.Waiting is not null && delivered.Count == atMost)
                    {
                        step.Message.Return();
                        _upstream.Skip(found, ref step);
                        Assert.False(_upstream.TryNext(found, ref step));
                        Assert.Equal([found], _upstream.TakePaused());
                        break;
                    }

                    delivered.Add(step.Waiting is null ? 0 : (int)step.Message.ReceivedAt);
                    if (step.Waiting is not null)
                    {
                        step.Message.Return();
                    }
                }

                // Confirmations are never put off once nothing waits.
                expected.AddRange(_model.Deliver(channel, delivered.Count - expected.Count));
            }

            Assert.Equal(expected, delivered);
        }

        private void Leave(int client)
        {
            foreach (var id in _table.OwnedBy(_clients[client]))
            {
                _streams.End(_clients[client], id, out _);
            }

            Assert.Equal(_model.Leave(client), _table.Remove(_clients[client]));
        }

        private void Pass(int seconds)
        {
            Assert.Equal(_table.Counts().Waiting * (UpstreamQueue.Overhead + 16L), _memory.Used);
            _time.Advance(TimeSpan.FromSeconds(seconds));
            _model.Pass(seconds, _options.UpstreamLifetime.TotalSeconds);
            Assert.False(_upstream.Expire());
        }

        private int[] Numbers(IReadOnlyList<Client> clients) => [.. clients.Select(client => Array.IndexOf(_clients, client)).Order()];

        private static string Id(int channel) => $"channel {channel}";
    }
}
