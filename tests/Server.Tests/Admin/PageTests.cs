using System.Net;
using CsCheck;
using Google.Rpc;
using Grpc.Core;
using Relay.Addresses;
using Relay.Admin;

namespace Server.Tests.Admin;

public sealed class PageTests
{
    [Fact]
    public void Pages_OneAfterTheOther_AreTheSortedListOnce() =>
        Gen.Select(Gen.Int[0, 50].Array[0, 40], Gen.Int[1, 12]).Sample((rows, size) =>
        {
            var read = new List<int>();
            var token = "";
            do
            {
                var page = new Page(size, token, "list");
                page.ThrowIfWrong();
                var cut = page.Of(rows, (a, b) => a.CompareTo(b)).ToArray();
                Assert.InRange(cut.Length, rows.Length == 0 ? 0 : 1, size);
                read.AddRange(cut);
                token = page.NextToken(rows.Length);
            }
            while (token.Length > 0);

            Assert.Equal(rows.Order(), read);
        });

    [Fact]
    public void Page_NoSize_HasAHundredRows()
    {
        var page = new Page(0, "", "");
        Assert.Equal(100, page.Of(Enumerable.Range(0, 150).ToArray(), (a, b) => a.CompareTo(b)).Count());
        Assert.NotEmpty(page.NextToken(101));
        Assert.Empty(page.NextToken(100));
    }

    // The list shrinks while an operator pages.
    [Fact]
    public void Page_BeyondTheEnd_IsTheLastAndEmpty()
    {
        var page = new Page(10, new Page(10, "", "x").NextToken(11), "x");
        page.ThrowIfWrong();
        Assert.Empty(page.Of(Enumerable.Range(0, 5).ToArray(), (a, b) => a.CompareTo(b)));
        Assert.Empty(page.NextToken(5));
    }

    [Theory]
    [InlineData("x")]
    [InlineData("10")]
    [InlineData("10:")]
    [InlineData("10:other")]
    [InlineData("-10:list")]
    [InlineData("+10:list")]
    [InlineData(" 10:list")]
    [InlineData("010:list")]
    [InlineData("99999999999:list")]
    [InlineData(":list")]
    public void Token_OfNoPageOfThisList_IsRefused(string token) => Assert.Equal(["page_token"], Wrong(new Page(10, token, "list")));

    [Theory]
    [InlineData(-1, false)]
    [InlineData(0, true)]
    [InlineData(1, true)]
    [InlineData(1000, true)]
    [InlineData(1001, false)]
    [InlineData(int.MinValue, false)]
    public void Size_OutsideItsRange_IsRefused(int size, bool right) => Assert.Equal(right ? [] : ["page_size"], Wrong(new Page(size, "", "list")));

    [Fact]
    public void Mistakes_All_AreNamedAtOnce()
    {
        var page = new Page(-1, "what", "list");
        page.CheckSort((DayOfWeek)7);
        page.CheckSort(DayOfWeek.Sunday);
        page.ReadNetwork("10.0.0.1/8");
        Assert.Null(page.ReadNetwork(""));
        Assert.Equal(["page_size", "page_token", "sort", "cidr"], Wrong(page));
    }

    [Theory]
    [InlineData("203.0.113.7", 64, "", true)]
    [InlineData("203.0.113.7", 64, "203.0.113.0/24", true)]
    [InlineData("203.0.113.7", 64, "203.0.114.0/24", false)]
    [InlineData("203.0.113.7", 64, "::/0", false)]
    [InlineData("2001:db8::7", 64, "2001:db8::/32", true)]
    [InlineData("2001:db8::7", 64, "2001:db8::9", true)]
    [InlineData("2001:db8::7", 64, "2001:db8:0:1::9", false)]
    [InlineData("2001:db8::7", 128, "2001:db8::9", false)]
    public void Network_AndAKey_MatchWhenEitherHoldsTheOther(string address, int prefix, string cidr, bool inside)
    {
        var page = new Page(0, "", "list");
        Assert.Equal(inside, Page.IsInside(IpKey.From(IPAddress.Parse(address), prefix), page.ReadNetwork(cidr)));
        page.ThrowIfWrong();
    }

    private static IEnumerable<string> Wrong(Page page)
    {
        try
        {
            page.ThrowIfWrong();
            return [];
        }
        catch (RpcException exception)
        {
            Assert.Equal(StatusCode.InvalidArgument, exception.StatusCode);
            return exception.GetRpcStatus()!.GetDetail<BadRequest>()!.FieldViolations.Select(violation => violation.Field);
        }
    }
}
