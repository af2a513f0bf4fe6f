using CsCheck;
using Relay.Federation.Ring;
using Relay.Identity;

namespace Server.Tests.Federation.Ring;

/// <summary>Who owns what: all servers of the network must come to the same answer.</summary>
public sealed class HashRingTests
{
    private const int VirtualNodes = 150;

    private static readonly Dictionary<string, RingMember> Members = new[] { ("A", 0), ("B", 100), ("C", 200), ("D", 33) }
        .ToDictionary(entry => entry.Item1, entry => MemberOfSeed(entry.Item1, entry.Item2));

    private static readonly HashRing Ring = new([.. Members.Values]);

    [Fact]
    public void Position_KnownVectors_AreMet()
    {
        var a = Members["A"];

        Assert.Equal("1f406ab889fdd5ff9b6cf00c15854a76d876ba4f", a.Positions[0].ToString());
        Assert.Equal("d351b3b85b62f341fc36cd4de8df91e7d99863c4", a.Positions[1].ToString());
        Assert.Equal(VirtualNodes + 1, a.Positions.Count);
    }

    [Theory]
    [InlineData("ABCDEF", "B,C,D")]
    [InlineData("XYZ234", "D,B,A")]
    [InlineData("day_2026-01-01", "D,B,A")]
    [InlineData("hr_0001", "A,B,D")]
    [InlineData("Q7K9M2", "C,A,D")]
    public void Owners_KnownVectors_AreMet(string text, string owners)
    {
        Assert.Equal(owners, string.Join(',', Ring.Owners(text, 3).Select(owner => owner.Endpoint)));
        Assert.Equal(owners[..1], Ring.Primary(text)!.Endpoint);
    }

    [Fact]
    public void Owners_AnyText_AreDifferentServersAndTheOrderOfMembersIsNothing() =>
        Gen.Select(Gen.String, Gen.Int[1, 6], Gen.Shuffle(Members.Values.ToArray())).Sample((text, count, members) =>
        {
            var owners = new HashRing(members).Owners(text, count);

            Assert.Equal(Math.Min(count, Members.Count), owners.Distinct().Count());
            Assert.Equal(Ring.Owners(text, count), owners);
            Assert.Equal(Ring.Primary(text), owners[0]);
        });

    [Fact]
    public void Owners_WhenOneIsGone_AreTheOthersInTheSameOrder() =>
        Gen.Select(Gen.String, Gen.Int[0, 3].Select(i => Members.Values.ElementAt(i))).Sample((text, gone) =>
            Assert.Equal(
                Ring.Owners(text, 4).Where(owner => owner != gone),
                new HashRing([.. Members.Values.Where(member => member != gone)]).Owners(text, 4)));

    [Fact]
    public void Owners_OfAnEmptyRing_AreNone()
    {
        Assert.Empty(new HashRing([]).Owners("ABCDEF", 3));
        Assert.Null(new HashRing([]).Primary("ABCDEF"));
    }

    [Fact]
    public void Share_OfAll_IsTheWholeRing()
    {
        Assert.Equal(1, Members.Values.Sum(member => Ring.ShareOf(member.ServerId)), 9);
        Assert.All(Members.Values, member => Assert.InRange(Ring.ShareOf(member.ServerId), 0.15, 0.35));
        Assert.Equal(1, new HashRing([Members["A"]]).ShareOf(Members["A"].ServerId), 9);
    }

    [Theory]
    [InlineData("ABCDEF", "A", "B")]
    [InlineData("ABCDEF", "B", "")]
    [InlineData("Q7K9M2", "D", "C")]
    public void OfCode_PrimaryOwner_IsTheOnlyRedirect(string code, string self, string redirect) =>
        Assert.Equal(redirect, string.Join(',', RouterOf(self).OfCode(code).Select(one => one.Endpoint)));

    [Fact]
    public void Route_PointsOfOthers_GoToTheirPrimaryOwners()
    {
        // Of these C owns hr_0001 only from the fourth place on, and the two days in the last one.
        var route = RouterOf("C").Route(["day_2026-01-01", "ABCDEF"], ["hr_0001", "XYZ234"]);

        Assert.Equal(["ABCDEF"], route.Points);
        Assert.Empty(route.Tokens);
        Assert.Equal(["D", "A"], route.Redirects.Select(redirect => redirect.Endpoint));
        Assert.Equal(["day_2026-01-01"], route.Redirects[0].DailyPoints);
        Assert.Equal(["XYZ234"], route.Redirects[0].HourlyTokens);
        Assert.Empty(route.Redirects[1].DailyPoints);
        Assert.Equal(["hr_0001"], route.Redirects[1].HourlyTokens);
    }

    [Fact]
    public void Route_AnyTexts_EachIsInOnePlaceAndWithAnOwner() =>
        Gen.Select(Gen.String.Array[0, 20], Gen.String.Array[0, 20], Gen.Int[1, 3]).Sample((points, tokens, factor) =>
        {
            var self = Members["C"];
            var route = new RingRouter(Ring, self.ServerId, factor).Route(points, tokens);

            Assert.Equal(points.Order(), route.Points.Concat(route.Redirects.SelectMany(redirect => redirect.DailyPoints)).Order());
            Assert.Equal(tokens.Order(), route.Tokens.Concat(route.Redirects.SelectMany(redirect => redirect.HourlyTokens)).Order());
            Assert.All(route.Points.Concat(route.Tokens), text => Assert.Contains(self, Ring.Owners(text, factor)));
            Assert.All(route.Redirects, redirect => Assert.All(
                redirect.DailyPoints.Concat(redirect.HourlyTokens),
                text => Assert.Equal((redirect.ServerId, false), (Ring.Primary(text)!.ServerId, Ring.Owners(text, factor).Contains(self)))));
        });

    [Fact]
    public void Route_WhoIsAlone_KeepsEverything()
    {
        var alone = new RingRouter(new HashRing([Members["A"]]), Members["A"].ServerId, 3);

        Assert.True(alone.IsAlone);
        Assert.Empty(alone.OfCode("ABCDEF"));
        Assert.Empty(alone.Route(["p"], ["t"]).Redirects);
    }

    private static RingRouter RouterOf(string name) => new(Ring, Members[name].ServerId, replicationFactor: 3);

    // The letter stands for its endpoint.
    private static RingMember MemberOfSeed(string name, int first)
    {
        using var identity = new ServerIdentity([.. Enumerable.Range(first, 32).Select(i => (byte)i)]);
        return new RingMember(identity.ServerId, identity.NodeId, name, VirtualNodes);
    }
}
