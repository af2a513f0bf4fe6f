using System.Text;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using Relay.Configuration;
using Server.Tests.Support;

namespace Server.Tests.Configuration;

/// <summary>docs/configuration.md lists the options as the program has them; `make docs` writes the list anew.</summary>
public sealed partial class ConfigurationDocumentTests
{
    [Fact]
    public void Options_All_AreInTheDocumentWithDefaultAndRange() => GeneratedText.Verify("docs/configuration.md", "options", Table());

    [Fact]
    public void Options_All_HaveASummary() => Assert.DoesNotContain(SettingCatalog.All, option => Summary(option).Length == 0);

    private static string Table()
    {
        var table = new StringBuilder();
        foreach (var section in SettingCatalog.All.GroupBy(option => option.SectionPath))
        {
            table.Append($"\n### {section.Key}\n\n| option | default | allowed | live | |\n|---|---|---|---|---|\n");
            foreach (var option in section)
            {
                table.Append($"| `{option.Path}` | {Cell(option.Default)} | {Cell(option.Allowed)} | {(option.IsLive ? "yes" : "")} | {Cell(Summary(option))} |\n");
            }
        }

        return table.Append('\n').ToString();
    }

    private static string Summary(Option option) => Summaries.GetValueOrDefault($"P:{option.Property.DeclaringType!.FullName}.{option.Property.Name}", "");

    private static string Cell(string text) => text.Replace("|", "\\|", StringComparison.Ordinal);

    private static readonly Dictionary<string, string> Summaries = XDocument.Load(Path.Combine(AppContext.BaseDirectory, "relayd.xml"))
        .Descendants("member")
        .ToDictionary(
            member => member.Attribute("name")!.Value,
            member => WhiteSpace().Replace(member.Element("summary")?.Value ?? "", " ").Trim());

    [GeneratedRegex(@"\s+")]
    private static partial Regex WhiteSpace();
}
