namespace Relay.AdminCli.Top;

/// <summary>What the operator is being asked.</summary>
/// <param name="Text">What was typed so far.</param>
/// <param name="Row">The address or network that it is about; the list below may have moved on.</param>
/// <param name="Time">How long a ban is to last; null: without an end.</param>
/// <param name="IsUntouched">The text is a proposal still: typing replaces it.</param>
internal sealed record TopPrompt(TopPrompt.Purpose For, string Text = "", TopRow? Row = null, TimeSpan? Time = null, bool IsUntouched = false)
{
    internal enum Purpose
    {
        Filter,
        BanTime,
        Kick,
        Ban,
    }

    /// <summary>A yes or a no, and not a text.</summary>
    public bool IsQuestion => For is Purpose.Kick or Purpose.Ban;

    public string Line()
    {
        var name = Printable.CleanOrUnknown(Row?.Key ?? "");
        return For switch
        {
            Purpose.Filter => $"Show only this address or network (empty: all): {Text}_",
            Purpose.BanTime => $"Ban {name} for how long (30m, 1h30m, 7d or {TopKeys.Forever})? {Text}_",
            Purpose.Kick => $"Disconnect {Sockets()} of {name}? y/N",
            _ => $"Ban {name} {(Time is { } time ? $"for {Units.Duration(time)}" : "permanently")}? Its {Sockets()} {(Row?.Entry.Connections == 1 ? "stays" : "stay")} connected. y/N",
        };
    }

    private string Sockets() => TopActions.Sockets(Row?.Entry.Connections ?? 0);
}
