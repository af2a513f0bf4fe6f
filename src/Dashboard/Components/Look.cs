using MudBlazor;

namespace Relay.Dashboard.Components;

/// <summary>Colours and type: the fonts of the operator's own system, since nothing comes from another host.</summary>
internal static class Look
{
    private static readonly string[] Fonts = ["system-ui", "Segoe UI", "Roboto", "Noto Sans", "sans-serif"];

    public static readonly MudTheme Theme = new()
    {
        Typography = new Typography
        {
            Default = new DefaultTypography { FontFamily = Fonts },
            H5 = new H5Typography { FontSize = "1.25rem" },
        },
        PaletteLight = new PaletteLight { Primary = "#1f5fa8", AppbarBackground = "#1f3f63" },
        PaletteDark = new PaletteDark { Primary = "#7db4f0", AppbarBackground = "#16202c" },
        LayoutProperties = new LayoutProperties { DefaultBorderRadius = "4px" },
    };
}
