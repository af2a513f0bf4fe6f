using Spectre.Console;

namespace Relay.AdminCli;

/// <summary>One column of a table.</summary>
/// <param name="Wide">Shown with -o wide only.</param>
/// <param name="IfAny">Omitted where no row has anything in it.</param>
internal sealed record Column(string Title, bool ToTheRight = false, bool IfAny = false, bool Wide = false)
{
    /// <summary>Blanks between two columns.</summary>
    public const int Gap = 3;

    public TableColumn Lay(int? width) => new(new Text(Title))
    {
        Alignment = ToTheRight ? Justify.Right : Justify.Left,
        NoWrap = width is not null,
        Width = width,
        Padding = new Padding(0, 0, Gap, 0),
    };
}
