using System.Text;
using Relay.Protocol;

namespace Server.Tests.Protocol;

public sealed class WireNamesTests
{
    [Fact]
    public void Names_EachType_FindsItselfAgain()
    {
        Assert.Equal(Enum.GetValues<MessageType>().Length, MessageTypes.Names.Length);
        foreach (var type in Enum.GetValues<MessageType>())
        {
            var expected = type == MessageType.RegisterCode ? MessageType.RegisterPeer : type;
            Assert.Equal(expected, MessageTypes.Find(Encoding.UTF8.GetBytes(MessageTypes.Name(type))));
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("Ping")]
    [InlineData("ping ")]
    [InlineData("p\u00efng")]
    [InlineData("pingpingpingpingpingpingpingping")]
    [InlineData("pingpingpingpingpingpingpingpingp")]
    public void Find_NoSuchName_IsUnknown(string name) => Assert.Equal(MessageType.Unknown, MessageTypes.Find(Encoding.UTF8.GetBytes(name)));

    [Fact]
    public void Labels_EachReason_HasOneOfItsOwn()
    {
        Assert.Equal(Enum.GetValues<CloseReason>().Length, CloseReasons.Labels.Length);
        Assert.Equal(CloseReasons.Labels.Length, CloseReasons.Labels.Distinct().Count());
        foreach (var reason in Enum.GetValues<CloseReason>())
        {
            Assert.Equal(reason.ToString(), CloseReasons.Label(reason).Replace("_", "", StringComparison.Ordinal), ignoreCase: true);
            Assert.InRange(Encoding.UTF8.GetByteCount(CloseReasons.Frame(reason).Text), 0, 123);
        }
    }
}
