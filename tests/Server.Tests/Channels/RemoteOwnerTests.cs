using System.Text.Json;
using CsCheck;
using Google.Protobuf;
using Relay.Channels;
using Relay.Cluster.V1;
using Relay.Sessions;

namespace Server.Tests.Channels;

/// <summary>What subscribers hear of owners at other relays, whatever comes of these, and in whatever order.</summary>
public sealed class RemoteOwnerTests
{
    private const int Relays = 2;

    private static readonly ClientSessionOptions Roomy = new() { QueueMessages = 100_000, QueueBytes = 1 << 30 };

    [Fact]
    public Task AnyMessages_SubscriberHearsEachStreamOnceInOrder() =>
        Gen.Select(Gen.Int[0, 9], Gen.Int[0, Relays - 1], Gen.Int[0, 20]).Array[0, 60].SampleAsync(
            async operations =>
            {
                using var run = new Run();
                foreach (var (what, relay, back) in operations)
                {
                    run.Step(what, relay, back);
                }

                await run.EndAsync();
            },
            iter: 300);

    /// <summary>States and frames are heard on one thread; answers, and that a relay is gone, on others.</summary>
    [Fact]
    public async Task AnyMessages_FromSeveralThreads_SubscriberHearsEachStreamOnceInOrder()
    {
        using var run = new Run();
        await Task.WhenAll(Enumerable.Range(0, 3).Select(thread => Task.Run(() =>
        {
            var random = new Random(thread);
            for (var i = 0; i < 20_000; i++)
            {
                // The first one hears all that is published.
                run.Step(thread == 0 ? random.Next(7) : 7 + random.Next(3), random.Next(Relays), random.Next(20));
            }
        }))).WaitAsync(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken);

        await run.EndAsync();
    }

    private sealed class Run : IDisposable
    {
        private readonly ChannelServer _server = new(sessions: Roomy);
        private readonly Member _subscriber;
        private readonly ChannelInterest _interest;
        private readonly Channel _channel;
        private readonly Script[] _relays = [.. Enumerable.Range(1, Relays).Select(epoch => new Script((ulong)epoch))];

        public Run()
        {
            _subscriber = _server.Connect();
            _subscriber.Subscribe("news");
            lock (_server.Directory.Lock)
            {
                _channel = _server.Directory.Find("news")!;
                _interest = _channel.Elsewhere.Interest = new ChannelInterest(_channel);
            }
        }

        public void Step(int what, int number, int back)
        {
            var relay = _relays[number];
            switch (what)
            {
                case 0 or 1:
                    Assert.NotEqual(Heard.Invalid, _server.Owners.Hear(_interest, relay.Epoch, relay.Change(back % 3), isAnswer: false));
                    break;
                case 2:
                    Assert.NotEqual(Heard.Invalid, _server.Owners.Hear(_interest, relay.Epoch, relay.Earlier(back), isAnswer: false));
                    break;
                case 3 or 4 or 5:
                    Assert.NotEqual(Heard.Invalid, _server.Owners.HearFrame(_interest, relay.Epoch, relay.Frame(relay.Earlier(0))));
                    break;
                case 6:
                    Assert.NotEqual(Heard.Invalid, _server.Owners.HearFrame(_interest, relay.Epoch, relay.Frame(relay.Earlier(back))));
                    break;
                case 7 or 8:
                    Assert.Equal(Heard.Done, _server.Owners.Hear(_interest, relay.Epoch, relay.Earlier(0), isAnswer: true));
                    break;
                case 9 when back < 10:
                    _server.Owners.ForgetNode(relay.Epoch);
                    break;
                case 9:
                    Assert.Equal(Heard.Done, _server.Owners.Hear(_interest, 0, null, isAnswer: true));
                    break;
            }
        }

        public async Task EndAsync()
        {
            lock (_server.Directory.Lock)
            {
                Assert.Same(_channel.Elsewhere.Owner?.Stream, _channel.Stream);
                Assert.Equal(_channel.Stream is null ? 0 : 1, _server.Table.Counts().Live);
                Assert.False(_channel.Elsewhere.IsTelling);
            }

            string? live = null;
            var lastFrame = 0;
            foreach (var message in (await _subscriber.LeaveAsync()).Skip(1))
            {
                var fields = JsonDocument.Parse(message).RootElement;
                var stream = fields.GetProperty("streamId").GetString();
                switch (fields.GetProperty("type").GetString())
                {
                    case "stream-start":
                        Assert.NotEqual(live, stream);
                        live = stream;
                        lastFrame = 0;
                        break;
                    case "stream-end":
                        Assert.Equal(live, stream);
                        live = null;
                        break;
                    default:
                        Assert.Equal(live, stream);
                        Assert.InRange(fields.GetProperty("frame").GetInt32(), lastFrame + 1, int.MaxValue);
                        lastFrame = fields.GetProperty("frame").GetInt32();
                        break;
                }
            }
        }

        public void Dispose() => _server.Dispose();
    }

    /// <summary>What one relay says.</summary>
    private sealed class Script(ulong epoch)
    {
        private readonly Lock _lock = new();
        private readonly List<ChannelState> _states = [new() { Revision = 1 }];
        private int _frames;

        public ulong Epoch => epoch;

        /// <param name="to">0: no owner; 1: an owner; 2: a stream of it.</param>
        public ChannelState Change(int to)
        {
            lock (_lock)
            {
                var revision = (ulong)_states.Count + 1;
                _states.Add(to == 0 ? new ChannelState { Revision = revision } : new ChannelState
                {
                    Owned = true,
                    Revision = revision,
                    StreamId = to == 1 ? "" : $"{epoch} {revision}",
                    Address = new ClientAddress { Bits = 32 },
                });
                return _states[^1];
            }
        }

        /// <summary>The last one, or one so many before.</summary>
        public ChannelState Earlier(int back)
        {
            lock (_lock)
            {
                return _states[Math.Max(0, _states.Count - 1 - back)];
            }
        }

        public ChannelFrame Frame(ChannelState state) => new()
        {
            Revision = state.Revision,
            Message = ByteString.CopyFromUtf8($$"""{"type":"stream-frame","streamId":"{{epoch}} {{state.Revision}}","channelId":"news","frame":{{Interlocked.Increment(ref _frames)}}}"""),
        };
    }
}
