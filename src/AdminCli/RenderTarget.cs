using System.Text;
using Spectre.Console;

namespace Relay.AdminCli;

/// <summary>A text of a given width for Spectre to draw into; its own kind asks <see cref="Console"/> and so touches the terminal.</summary>
internal sealed class RenderTarget(TextWriter writer, int width) : IAnsiConsoleOutput
{
    public TextWriter Writer => writer;

    public bool IsTerminal => false;

    public int Width => width;

    public int Height => int.MaxValue;

    public void SetEncoding(Encoding encoding)
    {
        // The text is encoded where it is written out.
    }
}
