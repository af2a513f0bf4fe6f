using Relay.AdminApi;
using Relay.AdminCli.Commands;
using Relay.Configuration;

namespace Relay.AdminCli.Top;

/// <summary>What each key does: to the screen's state at once, or as a wish that others fulfil.</summary>
internal static class TopKeys
{
    public const string Forever = "forever";

    private const string DefaultBan = "1h";
    private const int MaxText = 64;
    private const int PageOfRows = 10;

    /// <summary>The line at the foot; what a narrow screen cuts off is in the help.</summary>
    public const string Foot = "q quit  ? help  c/r/t sort  / filter  n networks  p pause  x kick  b ban";

    public static readonly IReadOnlyList<(string Keys, string Meaning)> Help =
    [
        ("c  r  t", "sort by connections, by refusals, by time last seen"),
        ("n", "networks (/24, /56, /48) instead of addresses, and back"),
        ("/", "show only one address or network; empty shows all again"),
        ("up down j k", "move the marker; also page up, page down, home, end"),
        ("x", "kick: disconnect the marked address; asks first"),
        ("b", "ban the marked address; asks for how long, then once more"),
        ("p  space", "pause: the figures stand still, and go on"),
        ("Ctrl-L", "draw everything anew"),
        ("Ctrl-Z", "back to the shell for a while; fg returns"),
        ("?  h", "this help; any key ends it"),
        ("q  Ctrl-C", "quit"),
    ];

    public static (TopState State, TopWish? Wish) Press(TopState state, TopKey key) => key.Special switch
    {
        TopKey.Name.Interrupt => (state, new TopWish.Quit()),
        TopKey.Name.Suspend => (state, new TopWish.Suspend()),
        TopKey.Name.Redraw => (state, new TopWish.Redraw()),
        _ when state.Help => (state with { Help = false }, key == 'q' ? new TopWish.Quit() : null),
        _ when state.Prompt is { IsQuestion: true } question => Answer(state with { Prompt = null }, question, key),
        _ when state.Prompt is { } prompt => Type(state, prompt, key),
        _ => Command(state with { Status = "" }, key),
    };

    private static (TopState, TopWish?) Command(TopState state, TopKey key) => key switch
    {
        { Character: 'q' } => (state, new TopWish.Quit()),
        { Character: '?' or 'h' } => (state with { Help = true }, null),
        { Character: 'p' or ' ' } => (state with { Paused = !state.Paused }, null),
        { Character: 'c' } => (Sort(state, ListIpsRequest.Types.Sort.Connections), null),
        { Character: 'r' } => (Sort(state, ListIpsRequest.Types.Sort.Refused), null),
        { Character: 't' } => (Sort(state, ListIpsRequest.Types.Sort.Recent), null),
        { Character: 'n' } => (state with { Wanted = state.Wanted with { Networks = !state.Wanted.Networks } }, null),
        { Character: '/' } => (state with { Prompt = new TopPrompt(TopPrompt.Purpose.Filter, state.Wanted.Cidr) }, null),
        { Character: 'x' } => (Ask(state, TopPrompt.Purpose.Kick), null),
        { Character: 'b' } => (Ask(state, TopPrompt.Purpose.BanTime, DefaultBan), null),
        { Character: 'j' } or { Special: TopKey.Name.Down } => (Move(state, 1), null),
        { Character: 'k' } or { Special: TopKey.Name.Up } => (Move(state, -1), null),
        { Special: TopKey.Name.PageDown } => (Move(state, PageOfRows), null),
        { Special: TopKey.Name.PageUp } => (Move(state, -PageOfRows), null),
        { Special: TopKey.Name.End } => (Move(state, state.Rows.Count), null),
        { Special: TopKey.Name.Home } => (state with { Marked = null }, null),
        _ => (state, null),
    };

    private static TopState Sort(TopState state, ListIpsRequest.Types.Sort sort) => state with { Wanted = state.Wanted with { Sort = sort } };

    private static TopState Move(TopState state, int by) =>
        state.Rows.Count == 0 ? state : state with { Marked = state.Rows[Math.Clamp(state.MarkedIndex + by, 0, state.Rows.Count - 1)].Key };

    private static TopState Ask(TopState state, TopPrompt.Purpose purpose, string text = "") => state.MarkedRow is { } row
        ? state with { Prompt = new TopPrompt(purpose, text, row) }
        : state with { Status = new("There is no row to do that to.", Tone.Warning) };

    private static (TopState, TopWish?) Answer(TopState state, TopPrompt question, TopKey key)
    {
        if (question.Row is not { } row || key.Character is not ('y' or 'Y'))
        {
            return (state with { Status = "Nothing was done." }, null);
        }

        return (state, question.For == TopPrompt.Purpose.Kick ? new TopWish.Kick(row.Key) : new TopWish.Ban(row.Key, question.Time));
    }

    private static (TopState, TopWish?) Type(TopState state, TopPrompt prompt, TopKey key)
    {
        var text = key.Special switch
        {
            TopKey.Name.Backspace => prompt.Text.Length > 0 ? prompt.Text[..^1] : "",
            TopKey.Name.EraseLine => "",
            TopKey.Name.None when prompt.Text.Length < MaxText => prompt.Text + key.Character,
            _ => prompt.Text,
        };
        return key.Special switch
        {
            TopKey.Name.Escape => (state with { Prompt = null, Status = "Nothing was done." }, null),
            TopKey.Name.Enter => (Enter(state with { Prompt = null }, prompt, text.Trim()), null),
            _ => (state with { Prompt = prompt with { Text = text } }, null),
        };
    }

    private static TopState Enter(TopState state, TopPrompt prompt, string text)
    {
        if (prompt.For == TopPrompt.Purpose.Filter)
        {
            // Whether it is a network is for the relay to say.
            return state with { Wanted = state.Wanted with { Cidr = text } };
        }

        if (text == Forever)
        {
            return state with { Prompt = prompt with { For = TopPrompt.Purpose.Ban, Text = text } };
        }

        return Durations.TryParse(text, out var time) && time >= BanCommand.Shortest && time <= BanCommand.Max
            ? state with { Prompt = prompt with { For = TopPrompt.Purpose.Ban, Text = text, Time = time } }
            : state with { Status = new($"Nothing was done: a ban is for 1s to 3650d, such as 30m, 1h or 7d, or {Forever}, not '{text}'.", Tone.Warning) };
    }
}
