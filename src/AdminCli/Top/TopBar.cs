namespace Relay.AdminCli.Top;

/// <summary>How full something is, in blocks or, for a terminal that does not take UTF-8, in ASCII.</summary>
internal static class TopBar
{
    public static IEnumerable<StatsRow.Part> Draw(double part, double whole, int width, bool ascii)
    {
        var share = whole > 0 ? Math.Clamp(part / whole, 0, 1) : 0;
        // Something is never shown as nothing, and almost full never as full.
        var full = share is > 0 and < 1 ? Math.Clamp((int)Math.Round(share * width), 1, width - 1) : (int)(share * width);
        yield return new(new string(ascii ? '#' : '█', full), StatsView.Fullness(share) is Tone.Plain ? Tone.Good : StatsView.Fullness(share));
        yield return new(new string(ascii ? '.' : '░', width - full));
    }
}
