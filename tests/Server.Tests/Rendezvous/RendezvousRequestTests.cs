using System.Text;
using Relay.Protocol;
using Relay.Rendezvous;

namespace Server.Tests.Rendezvous;

/// <summary>The bounds of single fields; which error is told first, the end-to-end tests show.</summary>
public sealed class RendezvousRequestTests
{
    public static TheoryData<string, string?> Bounds => new()
    {
        { "'dailyPoints':" + List(50, 4), null },
        { "'dailyPoints':" + List(51, 4), "Too many daily points (max 50)" },
        { "'daily_points':" + List(51, 4), "Too many daily points (max 50)" },
        { "'dailyPoints':{}", "Too many daily points (max 50)" },
        { "'dailyPoints':false", "Too many daily points (max 50)" },
        { "'dailyPoints':['" + Letters(128) + "']", null },
        { "'dailyPoints':['" + Letters(129) + "']", "Invalid daily points format" },

        // UTF-16 units: an emoji has two, a letter in any script one.
        { "'dailyPoints':['" + Letters(126) + "😀']", null },
        { "'dailyPoints':['" + Letters(127) + "😀']", "Invalid daily points format" },
        { "'dailyPoints':['" + new string('ß', 128) + "']", null },
        { "'dailyPoints':['\\u0000']", null },
        { "'dailyPoints':['']", null },
        { "'dailyPoints':['a',['b']]", "Invalid daily points format" },
        { "'hourlyTokens':" + List(50, 4), null },
        { "'hourlyTokens':" + List(51, 4), "Too many hourly tokens (max 50)" },
        { "'hourly_tokens':'t'", "Too many hourly tokens (max 50)" },
        { "'hourlyTokens':['" + Letters(128) + "']", null },
        { "'hourlyTokens':['" + Letters(129) + "']", "Invalid hourly tokens format" },
        { "'relayId':'" + Letters(128) + "'", null },
        { "'relayId':'" + Letters(129) + "'", "Invalid relayId" },
        { "'deadDrops':" + Object(50), null },
        { "'deadDrops':" + Object(51), "Too many dead drops" },
        { "'dead_drops':" + Object(51), "Too many dead drops" },
        { "'deadDrops':{" + string.Join(',', Enumerable.Repeat("'p':'d'", 60)) + "}", null },
        { "'deadDrops':'d'", "Too many dead drops" },
        { "'deadDrops':[]", "Too many dead drops" },
        { "'deadDrops':{'" + Letters(128) + "':'d'}", null },
        { "'deadDrops':{'" + Letters(129) + "':'d'}", "Invalid dead drop key" },
        { "'deadDrops':{'p':'" + Letters(4096) + "'}", null },
        { "'deadDrops':{'p':'" + Letters(4097) + "'}", "Dead drop payload too large (max 4KB)" },
        { "'deadDrops':{'p':null}", "Dead drop payload too large (max 4KB)" },
        { "'deadDrops':{'p':['d']}", "Dead drop payload too large (max 4KB)" },
        { "'deadDrop':'" + Letters(4096) + "'", null },
        { "'deadDrop':'" + Letters(4097) + "'", "Dead drop payload too large (max 4KB)" },
        { "'deadDrop':7", "Dead drop payload too large (max 4KB)" },

        // Nobody looks at the older form where there is the newer.
        { "'deadDrops':{},'deadDrop':7", null },

        // Half a surrogate pair, which JSON can spell.
        { "'dailyPoints':['\\ud800']", "Invalid daily points format" },
        { "'hourlyTokens':['\\udc00']", "Invalid hourly tokens format" },
        { "'dailyPoints':['p'],'deadDrops':{'\\ud800':'d'}", "Invalid dead drop key" },
        { "'dailyPoints':['p'],'deadDrops':{'p':'\\udc00\\ud800'}", "Dead drop payload too large (max 4KB)" },
        { "'\\ud800':1,'dailyPoints':['\\ud83d\\ude00']", null },
    };

    [Theory]
    [MemberData(nameof(Bounds))]
    public void TryRead_AtAndOverABound_IsTakenOrTold(string fields, string? error) => Assert.Equal(error, Read(fields, out _));

    [Fact]
    public void TryRead_Repetitions_CountOnce()
    {
        Assert.Null(Read("'dailyPoints':['a','b','a'],'hourlyTokens':['t','t'],'deadDrops':{'a':'1','a':'2','c':'3'}", out var request));

        Assert.Equal([("a", "2"), ("b", "")], request.Points);
        Assert.Equal(["t"], request.Tokens);
        Assert.Equal("", request.RelayId);
    }

    [Fact]
    public void TryRead_OneDropForAll_IsAtEachPoint()
    {
        Assert.Null(Read("'daily_points':['a','b'],'deadDrop':'d','relayId':'r'", out var request));

        Assert.Equal([("a", "d"), ("b", "d")], request.Points);
        Assert.Equal("r", request.RelayId);
    }

    private static string? Read(string fields, out RendezvousRequest request)
    {
        Assert.True(ClientMessage.TryParse(Encoding.UTF8.GetBytes($"{{{fields.Replace('\'', '"')}}}"), Relay.ClientMessages.Fields, out var message));
        using (message)
        {
            return RendezvousRequest.TryRead(message, out request);
        }
    }

    private static string Letters(int length) => new('x', length);

    private static string List(int count, int length) =>
        $"[{string.Join(',', Enumerable.Range(0, count).Select(i => $"'{i.ToString(System.Globalization.CultureInfo.InvariantCulture).PadRight(length, 'x')}'"))}]";

    private static string Object(int count) => $"{{{string.Join(',', Enumerable.Range(0, count).Select(i => $"'{i}':'d'"))}}}";
}
