namespace Relay.AdminCli;

/// <summary>
/// Draws frame over frame on the terminal's second screen. When it is left, the first screen and the cursor are back as
/// they were, with the last frame printed below.
/// </summary>
internal sealed class WatchScreen : IDisposable
{
    // Second screen, no cursor, lines that are too long are truncated instead of wrapped; and back in the opposite order.
    private const string Enter = "\e[?1049h\e[?25l\e[?7l";
    private const string Leave = "\e[?7h\e[?25h\e[?1049l";
    private const string Home = "\e[H";
    private const string ClearToEndOfLine = "\e[K";
    private const string ClearBelow = "\e[J";

    private readonly TextWriter _writer;
    private readonly Terminal _terminal;
    private string _last = "";

    public WatchScreen(TextWriter writer, Terminal terminal)
    {
        (_writer, _terminal) = (writer, terminal);
        _writer.Write(Enter);
    }

    public void Draw(string frame)
    {
        _last = frame;
        var lines = frame.TrimEnd('\n').Split('\n').Take(_terminal.Size().Rows).ToArray();
        // The lines are joined, not ended: a line feed on the last row would scroll the first one away. Each is cleared before
        // it is written: at the end of a full line the cursor stands on its last letter.
        _writer.Write($"{Home}{string.Concat(lines[..^1].Select(line => $"{ClearToEndOfLine}{line}\r\n"))}{ClearBelow}{lines[^1]}");
        _writer.Flush();
    }

    public void Dispose()
    {
        _writer.Write(Leave);
        _writer.Write(_last);
        _writer.Flush();
    }
}
