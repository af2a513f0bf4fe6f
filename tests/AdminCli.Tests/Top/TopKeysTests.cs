using Relay.AdminApi;
using Relay.AdminCli.Top;

namespace AdminCli.Tests.Top;

public sealed class TopKeysTests
{
    [Theory]
    [InlineData("r", ListIpsRequest.Types.Sort.Refused, false)]
    [InlineData("t", ListIpsRequest.Types.Sort.Recent, false)]
    [InlineData("rc", ListIpsRequest.Types.Sort.Connections, false)]
    [InlineData("rn", ListIpsRequest.Types.Sort.Refused, true)]
    [InlineData("nn", ListIpsRequest.Types.Sort.Connections, false)]
    public void Press_SortAndNetworks_AskForAnotherView(string keys, object sort, bool networks)
    {
        var (state, effect) = Type(TopStates.Live(), keys);
        Assert.Null(effect);
        Assert.Equal(new TopView((ListIpsRequest.Types.Sort)sort, networks), state.Wanted);
        // What is shown is still what was listed.
        Assert.Equal(TopStates.View, state.View);
    }

    [Theory]
    [InlineData("jj", "203.0.113.3")]
    [InlineData("jjk", "203.0.113.2")]
    [InlineData("k", "203.0.113.1")]
    public void Press_UpAndDown_MoveTheMarker(string keys, string expected) => Assert.Equal(expected, Type(TopStates.Live(), keys).State.MarkedRow?.Key);

    [Fact]
    public void Marker_ListMoves_FollowsItsAddress()
    {
        var state = Type(TopStates.Live(), "j").State;
        var list = TopStates.List(3, 20);
        list.Ips.Insert(0, new IpEntry { Key = "198.51.100.1" });
        Assert.Equal(("203.0.113.2", 2), (state.With(TopStates.View, list, TimeSpan.FromSeconds(3)).MarkedRow?.Key, state.With(TopStates.View, list, TimeSpan.FromSeconds(3)).MarkedIndex));
        // Gone from the list: whoever is in its place.
        list.Ips.RemoveAt(2);
        Assert.Equal("203.0.113.1", state.With(TopStates.View, list, TimeSpan.FromSeconds(3)).MarkedRow?.Key);
    }

    [Theory]
    [InlineData("x", "n")]
    [InlineData("x", "\r")]
    [InlineData("x", "q")]
    [InlineData("x", "x")]
    [InlineData("b\r", "n")]
    [InlineData("b\r", " ")]
    public void Press_QuestionAnsweredWithAnythingButYes_DoesNothing(string keys, string answer)
    {
        var asked = Type(TopStates.Live(), keys);
        Assert.True(asked.State.Prompt?.IsQuestion);
        Assert.Null(asked.Effect);
        var (state, effect) = Type(asked.State, answer);
        Assert.Null(effect);
        Assert.Null(state.Prompt);
        Assert.Equal("Cancelled.", state.Status.Text);
    }

    [Fact]
    public void Press_KickAndYes_IsForTheRowThatTheQuestionNamed()
    {
        var asked = Type(TopStates.Live(), "jx").State;
        Assert.Equal("Disconnect 49 sockets of 203.0.113.2? y/N", asked.Prompt?.Line());
        var moved = asked.With(TopStates.View, TopStates.List(1, 0), TimeSpan.FromSeconds(9));
        Assert.Equal(new TopEffect.Kick("203.0.113.2"), Type(moved, "y").Effect);
    }

    [Theory]
    [InlineData("b\ry", 3600)]
    [InlineData("b\x15" + "30m\ry", 1800)]
    [InlineData("b\x7f\x7f" + "7d\rY", 604_800)]
    [InlineData("b2m\ry", 120)]
    [InlineData("b1h30m\ry", 5400)]
    [InlineData("b\x7f" + "m\ry", 60)]
    [InlineData("b\x15" + "forever\ry", null)]
    public void Press_BanAndYes_IsForTheTimeThatWasTyped(string keys, int? seconds) =>
        Assert.Equal(new TopEffect.Ban("203.0.113.1", seconds is { } time ? TimeSpan.FromSeconds(time) : null), Type(TopStates.Live(), keys).Effect);

    [Theory]
    [InlineData("b\x15soon\ry")]
    [InlineData("b\x15" + "0s\ry")]
    [InlineData("b\x15" + "3651d\ry")]
    [InlineData("b\e")]
    public void Press_BanWithoutATime_DoesNothing(string keys)
    {
        var (state, effect) = Type(TopStates.Live(), keys);
        Assert.Null(effect);
        Assert.Null(state.Prompt);
    }

    [Fact]
    public void Press_Filter_IsTextUntilEnter()
    {
        var typed = Type(TopStates.Live(), "/203.0.113.0/24xq\x7f\x7f");
        Assert.Null(typed.Effect);
        Assert.Equal("", typed.State.Wanted.Cidr);
        Assert.Equal("203.0.113.0/24", Type(typed.State, "\r").State.Wanted.Cidr);
    }

    [Theory]
    [InlineData("q")]
    [InlineData("\x03")]
    [InlineData("x\x03")]
    [InlineData("/\x03")]
    [InlineData("?q")]
    public void Press_QuitKeys_Quit(string keys) => Assert.Equal(new TopEffect.Quit(), Type(TopStates.Live(), keys).Effect);

    [Fact]
    public void Press_KickWithoutRows_SaysSo()
    {
        var (state, effect) = Type(TopStates.Live(0), "x");
        Assert.Equal((null, null, "No row is selected."), (effect, state.Prompt, state.Status.Text));
    }

    private static (TopState State, TopEffect? Effect) Type(TopState state, string keys)
    {
        (TopState State, TopEffect? Effect) result = (state, null);
        foreach (var key in new KeyDecoder().Read(System.Text.Encoding.ASCII.GetBytes(keys)))
        {
            result = TopKeys.Press(result.State, key);
        }

        return result;
    }
}
