namespace Relay.AdminCli;

/// <summary>
/// What standard output is connected to: whether the cursor can be moved there (a terminal that is not dumb), and whether
/// colour is wanted besides (NO_COLOR is not set).
/// </summary>
internal sealed record Terminal(bool Redraws, bool Colour, Func<(int Columns, int Rows)> Size)
{
    /// <summary>A pipe or a file has no width; nothing is truncated or wrapped there.</summary>
    private const int Unlimited = 100_000;

    public static readonly Terminal None = new(false, false, static () => (Unlimited, Unlimited));

    public static Terminal OfStandardOutput(Func<string, string?> variable)
    {
        if (Console.IsOutputRedirected)
        {
            return None;
        }

        var redraws = variable("TERM") is not (null or "" or "dumb");
        var colour = redraws && string.IsNullOrEmpty(variable("NO_COLOR"));
        return new Terminal(redraws, colour, static () =>
            LibC.TryGetWindowSize(out var columns, out var rows) ? (columns, rows) : (80, 24));
    }
}
