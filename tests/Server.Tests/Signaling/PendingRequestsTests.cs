using CsCheck;
using Microsoft.Extensions.Time.Testing;
using Relay.Signaling;

namespace Server.Tests.Signaling;

public sealed class PendingRequestsTests
{
    /// <summary>Whatever happens, a request ends once: answered, replaced, abandoned or expired; and is warned of at most once before.</summary>
    [Fact]
    public void AnyOperations_EachRequest_EndsOnce() =>
        Gen.Select(Gen.Int[0, 9], Gen.Int[0, 3], Gen.Int[0, 3]).Array[0, 80].Sample(
            operations =>
            {
                var time = new FakeTimeProvider();
                var options = new SignalingOptions { PendingPerTarget = 2 };
                using var pending = new PendingRequests(options, time);
                var open = new List<PendingRequest>();
                var ended = new List<PendingRequest>();
                var warned = new List<PendingRequest>();
                pending.Expiring = request =>
                {
                    Assert.Contains(request, open);
                    warned.Add(request);
                };
                pending.Expired = End;
                foreach (var (what, from, to) in operations)
                {
                    var (fromCode, toCode) = ($"code{from}", $"code{to}");
                    switch (what)
                    {
                        case < 5:
                            var request = new PendingRequest(null!, fromCode, "key", toCode, time.GetTimestamp());
                            var replaced = open.SingleOrDefault(old => old.FromCode == fromCode && old.ToCode == toCode);
                            if (replaced is not null)
                            {
                                End(replaced);
                            }

                            var fits = open.Count(old => old.ToCode == toCode) < 2;
                            Assert.Equal(fits, pending.TryAdd(request));
                            if (fits)
                            {
                                open.Add(request);
                            }

                            break;
                        case < 7:
                            var expected = open.SingleOrDefault(old => old.FromCode == fromCode && old.ToCode == toCode);
                            Assert.Same(expected, pending.Take(fromCode, toCode));
                            if (expected is not null)
                            {
                                End(expected);
                            }

                            break;
                        case 7:
                            var told = pending.RemoveCode(fromCode);
                            Assert.All(told, request => Assert.Equal(fromCode, request.ToCode));
                            Assert.Equal(open.Count(old => old.ToCode == fromCode && old.FromCode != fromCode), told.Count(old => old.FromCode != fromCode));
                            open.Where(old => old.FromCode == fromCode || old.ToCode == fromCode).ToList().ForEach(End);
                            break;
                        default:
                            time.Advance(TimeSpan.FromSeconds((from * 10) + to));
                            break;
                    }

                    Assert.Equal(open.Count, pending.Count);
                }

                time.Advance(options.PairRequestTimeout + TimeSpan.FromSeconds(1));
                Assert.Empty(open);
                Assert.Equal(0, pending.Count);
                Assert.Equal(ended.Count, ended.Distinct().Count());
                Assert.Equal(warned.Count, warned.Distinct().Count());

                void End(PendingRequest request)
                {
                    Assert.True(open.Remove(request));
                    ended.Add(request);
                }
            },
            iter: 500);

    [Theory]
    [InlineData(30, 91, 1)]
    [InlineData(30, 89, 0)]
    [InlineData(120, 119, 0)]
    [InlineData(0, 119, 0)]
    public void Warning_ATimeBeforeTheEnd_ComesOnce(int warning, int after, int expected)
    {
        var time = new FakeTimeProvider();
        using var pending = new PendingRequests(new SignalingOptions { PairRequestWarning = TimeSpan.FromSeconds(warning) }, time);
        var warned = 0;
        pending.Expiring = _ => warned++;
        Assert.True(pending.TryAdd(new PendingRequest(null!, "a", "key", "b", time.GetTimestamp())));

        time.Advance(TimeSpan.FromSeconds(after));

        Assert.Equal(expected, warned);
    }
}
