using Relay.AdminApi;
using Relay.AdminCli.Commands;
using Relay.Configuration;

namespace Relay.AdminCli.Top;

/// <summary>What each key does: to the screen's state at once, or as an effect that the session runs.</summary>
internal static class TopKeys
{
    public const string Forever = "forever";

    private const string DefaultBan = "1h";
    private const int MaxText = 64;
    private const int PageOfRows = 10;

    /// <summary>The line at the foot; the help has what a narrow screen truncates.</summary>
    public const string Foot = "q quit  ? help  c/r/t sort  / filter  n networks  p pause  x kick  b ban";

    public static readonly IReadOnlyList<(string Keys, string Meaning)> Help =
    [
        ("c  r  t", "sort by connections, by refusals, by time last seen"),
        ("n", "networks (/24, /56, /48) instead of addresses, and back"),
        ("/", "show only one address or network; empty shows all again"),
        ("up down j k", "move the selection; also page up, page down, home, end"),
        ("x", "kick: disconnect the selected address; asks first"),
        ("b", "ban the selected address; asks for how long, then once more"),
        ("p  space", "pause and resume"),
        ("Ctrl-L", "redraw"),
        ("Ctrl-Z", "suspend; fg returns"),
        ("?  h", "this help; any key ends it"),
        ("q  Ctrl-C", "quit"),
    ];

    public static (TopState State, TopEffect? Effect) Press(TopState state, TopKey key) => key.Special switch
    {
        TopKey.Name.Interrupt => (state, new TopEffect.Quit()),
        TopKey.Name.Suspend => (state, new TopEffect.Suspend()),
        TopKey.Name.Redraw => (state, new TopEffect.Redraw()),
        _ when state.Help => (state with { Help = false }, key == 'q' ? new TopEffect.Quit() : null),
        _ when state.Prompt is { IsQuestion: true } question => Answer(state with { Prompt = null }, question, key),
        _ when state.Prompt is { } prompt => Type(state, prompt, key),
        _ => Command(state with { Status = "" }, key),
    };

    private static (TopState, TopEffect?) Command(TopState state, TopKey key) => key switch
    {
        { Character: 'q' } => (state, new TopEffect.Quit()),
        { Character: '?' or 'h' } => (state with { Help = true }, null),
        { Character: 'p' or ' ' } => (state with { Paused = !state.Paused }, null),
        { Character: 'c' } => (Sort(state, ListIpsRequest.Types.Sort.Connections), null),
        { Character: 'r' } => (Sort(state, ListIpsRequest.Types.Sort.Refused), null),
        { Character: 't' } => (Sort(state, ListIpsRequest.Types.Sort.Recent), null),
        { Character: 'n' } => (state with { Wanted = state.Wanted with { Networks = !state.Wanted.Networks } }, null),
        { Character: '/' } => (state with { Prompt = new TopPrompt(TopPrompt.Purpose.Filter, state.Wanted.Cidr, IsUntouched: true) }, null),
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
        ? state with { Prompt = new TopPrompt(purpose, text, row, IsUntouched: true) }
        : state with { Status = new("No row is selected.", Tone.Warning) };

    private static (TopState, TopEffect?) Answer(TopState state, TopPrompt question, TopKey key)
    {
        if (question.Row is not { } row || key.Character is not ('y' or 'Y'))
        {
            return (state with { Status = "Cancelled." }, null);
        }

        return (state, question.For == TopPrompt.Purpose.Kick ? new TopEffect.Kick(row.Key) : new TopEffect.Ban(row.Key, question.Time));
    }

    private static (TopState, TopEffect?) Type(TopState state, TopPrompt prompt, TopKey key)
    {
        var text = key.Special switch
        {
            TopKey.Name.Backspace => prompt.Text.Length > 0 ? prompt.Text[..^1] : "",
            TopKey.Name.EraseLine => "",
            TopKey.Name.None when prompt.IsUntouched => $"{key.Character}",
            TopKey.Name.None when prompt.Text.Length < MaxText => prompt.Text + key.Character,
            _ => prompt.Text,
        };
        return key.Special switch
        {
            TopKey.Name.Escape => (state with { Prompt = null, Status = "Cancelled." }, null),
            TopKey.Name.Enter => (Enter(state with { Prompt = null }, prompt, text.Trim()), null),
            _ => (state with { Prompt = prompt with { Text = text, IsUntouched = false } }, null),
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
            : state with { Status = new($"Cancelled: a ban is 1s to 3650d long, such as 30m, 1h30m or 7d, or {Forever}, not '{text}'.", Tone.Warning) };
    }
}
