using CsCheck;
using Microsoft.Extensions.Time.Testing;
using Relay.Addresses;
using Relay.Clients;
using Relay.Signaling;

namespace Server.Tests.Signaling;

public sealed class PendingRequestsTests
{
    /// <summary>Answered, displaced, expired, or a partner gone: each once, and a pair request is warned of at most once before.</summary>
    [Fact]
    public void AnyOperations_EachRequest_EndsOnce() =>
        Gen.Select(Gen.Int[0, 13], Gen.Int[0, PendingModel.Clients - 1], Gen.Int[0, PendingModel.Clients - 1], Gen.Int[0, 2]).Array[0, 120].Sample(
            operations =>
            {
                var model = new PendingModel();
                foreach (var (what, from, to, more) in operations)
                {
                    var kind = (RequestKind)(what % 2);
                    switch (what)
                    {
                        case < 8:
                            model.Add(kind, from, to, more);
                            break;
                        case < 10:
                            model.Answer(kind, from, to, named: more > 0);
                            break;
                        case 10:
                            model.Leave(from);
                            break;
                        default:
                            model.Wait(TimeSpan.FromSeconds((from * 10) + to));
                            break;
                    }

                    model.Check();
                }

                model.Finish();
            },
            iter: 500);

    /// <summary>
    /// Each thread has a socket of its own that asks, answers, leaves and is followed by another; all together expire. Once
    /// every socket has left, nothing waits any more.
    /// </summary>
    [Fact]
    public async Task ManyThreads_EachRequest_EndsOnce()
    {
        const int Threads = 4;
        var time = new FakeTimeProvider();
        var pending = new PendingRequests(new SignalingOptions { PendingPerTarget = 2 }, time);
        var clients = Enumerable.Range(0, Threads).Select(_ => new Client(null!)).ToArray();
        var results = await Task.WhenAll(Enumerable.Range(0, Threads).Select(thread => Task.Run(() => Churn(thread))));

        var added = results.SelectMany(result => result.Added).ToHashSet();
        var ended = results.SelectMany(result => result.Ended).ToList();
        Assert.Equal((0, 0), (pending.Count(RequestKind.Pair), pending.Count(RequestKind.Link)));
        Assert.Equal(ended.Count, ended.Distinct().Count());
        Assert.True(added.SetEquals(ended));

        (List<PendingRequest> Added, List<PendingRequest> Ended) Churn(int thread)
        {
            var random = new Random(thread);
            var (added, ended) = (new List<PendingRequest>(), new List<PendingRequest>());
            for (var i = 0; i < 20_000; i++)
            {
                var kind = (RequestKind)random.Next(2);
                var self = clients[thread];
                switch (random.Next(10))
                {
                    case < 5:
                        var request = PendingModel.Request(kind, self, Volatile.Read(ref clients[random.Next(Threads)]), thread / 2, $"code{thread}");
                        if (pending.TryAdd(request, out var displaced))
                        {
                            added.Add(request);
                        }

                        End(displaced);
                        break;
                    case < 8:
                        End(pending.Take(kind, self, random.Next(2) == 0 ? null : $"code{random.Next(Threads)}"));
                        break;
                    case 8:
                        time.Advance(TimeSpan.FromSeconds(1));
                        End(pending.TakeExpired());
                        break;
                    default:
                        Leave(self);
                        Volatile.Write(ref clients[thread], new Client(null!));
                        break;
                }
            }

            Leave(clients[thread]);
            return (added, ended);

            void Leave(Client client)
            {
                client.MarkLeft();
                ended.AddRange(pending.TakeAll(RequestKind.Pair, client));
                ended.AddRange(pending.TakeAll(RequestKind.Link, client));
            }

            void End(PendingRequest? request)
            {
                if (request is not null)
                {
                    ended.Add(request);
                }
            }
        }
    }

    [Theory]
    [InlineData(30, 90, true)]
    [InlineData(30, 89, false)]
    [InlineData(120, 120, false)]
    [InlineData(0, 120, false)]
    public void Warning_ATimeBeforeTheEnd_ComesOnceAndForPairsOnly(int warning, int after, bool expected)
    {
        var time = new FakeTimeProvider();
        var pending = new PendingRequests(new SignalingOptions { PairRequestWarning = TimeSpan.FromSeconds(warning) }, time);
        var pair = PendingModel.Request(RequestKind.Pair, new Client(null!), new Client(null!));
        Assert.True(pending.TryAdd(PendingModel.Request(RequestKind.Link, pair.From, pair.To), out _));
        Assert.True(pending.TryAdd(pair, out _));

        time.Advance(TimeSpan.FromSeconds(after));

        Assert.Same(expected ? pair : null, pending.TakeExpiring());
        Assert.Null(pending.TakeExpiring());
    }

    // In the reference network an acceptance that came while the requester was leaving was told to the responder as a match.
    [Theory]
    [InlineData(nameof(RequestKind.Pair))]
    [InlineData(nameof(RequestKind.Link))]
    public void Take_RequesterIsLeaving_FindsNothing(string name)
    {
        var kind = Enum.Parse<RequestKind>(name);
        var pending = new PendingRequests(new SignalingOptions(), new FakeTimeProvider());
        var request = PendingModel.Request(kind, new Client(null!), new Client(null!));
        Assert.True(pending.TryAdd(request, out _));

        ((Client)request.From).MarkLeft();

        Assert.Null(pending.Take(kind, request.To, request.FromCode));
        Assert.Same(request, Assert.Single(pending.TakeAll(kind, request.From)));
    }

    // In the reference network a request that was made while its target was leaving waited for nobody.
    [Fact]
    public void TryAdd_TargetIsLeaving_IsRefused()
    {
        var pending = new PendingRequests(new SignalingOptions(), new FakeTimeProvider());
        var request = PendingModel.Request(RequestKind.Pair, new Client(null!), new Client(null!));

        request.To.MarkLeft();

        Assert.False(pending.TryAdd(request, out _));
        Assert.Equal(0, pending.Count(RequestKind.Pair));
    }

    /// <summary>An answer names no browser: if another took the place of the one that is shown, the phone's answer would link that one.</summary>
    [Fact]
    public void TryAdd_PlacesFullOfOneNetwork_WhatIsShownStays()
    {
        const int Places = 10;
        var pending = new PendingRequests(new SignalingOptions { PendingPerTarget = Places }, new FakeTimeProvider());
        var phone = new Client(null!);
        PendingRequest From(string address)
        {
            Assert.True(IpText.TryParse(address, out var key));
            return PendingModel.Request(RequestKind.Link, new Client(null!), phone, key);
        }

        var crowd = Enumerable.Range(1, Places).Select(host => From($"10.0.0.{host}")).ToList();
        Assert.All(crowd, request => Assert.True(pending.TryAdd(request, out _)));
        Assert.Same(crowd[0], pending.TakeNextToShow(phone));

        var displaced = 0;
        for (var guest = 0; guest < Places && pending.TryAdd(From($"192.0.{guest}.1"), out var gone); guest++, displaced++)
        {
            Assert.Contains(gone, crowd[1..]);
        }

        Assert.NotEqual(0, displaced);
        Assert.Same(crowd[0], pending.Take(RequestKind.Link, phone));
    }
}
