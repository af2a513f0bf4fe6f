using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using Relay.Configuration;

namespace Server.Tests;

/// <summary>What the folders of src/Server may name. A folder uses what stands before it; feature folders not each other.</summary>
public sealed partial class ArchitectureTests
{
    private const string Features = "Protocol Telemetry Storage Addresses Limits Admission Listening Sessions Identity Federation Presence "
        + "Signaling Relays Rendezvous Channels Chunks Attestation Access AuditLog";

    private static readonly string[] Entrances = ["Transport/Kestrel/", "Http/", "Admin/"];
    private static readonly string Root = FindRoot();

    public static TheoryData<string, string> Folders => new()
    {
        { "Protocol", "" },
        // Labels of the metrics are names of the protocol.
        { "Telemetry", "Protocol" },
        { "Storage", "Telemetry" },
        { "Addresses", "Telemetry" },
        { "Limits", "Protocol Telemetry Addresses" },
        { "Admission", "Protocol Telemetry Addresses Limits" },
        { "Listening", "Protocol Telemetry Addresses Limits Admission" },
        { "Sessions", "Protocol Telemetry Addresses Limits Admission Listening" },
        { "Identity", "Protocol Telemetry" },
        { "Federation", "Protocol Telemetry Addresses Limits Admission Listening Sessions Identity" },
        { "Presence", "Protocol Telemetry Addresses Limits Admission Listening Sessions" },
        // server_info and registered name the server's id.
        { "Signaling", "Protocol Telemetry Addresses Limits Admission Listening Sessions Identity Presence" },
        { "Relays", "Protocol Telemetry Addresses Limits Admission Listening Sessions Identity Presence" },
        { "Rendezvous", "Protocol Telemetry Storage Addresses Limits Addresses Limits Admission Listening Sessions Presence" },
        { "Channels", "Protocol Telemetry Addresses Limits Admission Listening Sessions Presence" },
        // Chunks are a channel's content: who owns and who subscribes decides what may be pushed and who is told.
        { "Chunks", "Protocol Telemetry Storage Addresses Limits Addresses Limits Admission Listening Sessions Presence Channels" },
        { "Attestation", "Protocol Telemetry Addresses Limits Admission Listening Sessions Presence" },
        { "Access", "Protocol Telemetry Addresses Limits Admission Listening" },
        // An entry says who did it.
        { "AuditLog", "Protocol Telemetry Addresses Limits Admission Listening Access" },
        // One settings class names every folder's options.
        { "Configuration", Features },
        { "Admin", $"AdminApi {Features} Configuration" },
        { "Http", $"AdminApi {Features} Configuration Admin" },
    };

    [Theory]
    [MemberData(nameof(Folders))]
    public void Folder_Names_OnlyWhatStandsBeforeIt(string folder, string allowed)
    {
        var mayName = allowed.Split(' ').Append(folder);
        var wrong = Sources(folder)
            .SelectMany(file => NamespaceName().Matches(File.ReadAllText(file)).Select(match => (File: Path.GetFileName(file), Name: match.Groups[1].Value)))
            .Where(use => !mayName.Contains(use.Name));

        Assert.Empty(wrong);
    }

    [Fact]
    public void Folders_All_AreInTheTable() => Assert.Equal(
        Folders.Select(row => row.Data.Item1).Order(),
        Directory.GetDirectories(Path.Combine(Root, "src/Server")).Select(Path.GetFileName).Except(["bin", "obj", "Properties"]).Order());

    [Fact]
    public void Interfaces_All_AreTheSeamsWeKnow() => Assert.Equal(
        ["IConnectionHandler", "ISessionHandler"],
        Sources("").SelectMany(file => InterfaceName().Matches(File.ReadAllText(file)).Select(match => match.Groups[1].Value)).Order());

    // Sessions and features run on whatever carries bytes.
    [Fact]
    public void HttpContext_IsNamed_OnlyAtTheEntrances() => Assert.DoesNotContain(
        Sources("").Where(file => File.ReadAllText(file) is var text
            && (text.Contains("HttpContext", StringComparison.Ordinal) || text.Contains("System.Net.WebSockets", StringComparison.Ordinal))),
        file => !Entrances.Any(entrance =>
            Path.GetRelativePath(Path.Combine(Root, "src/Server"), file).StartsWith(entrance, StringComparison.Ordinal)));

    [Fact]
    public void Files_All_AreAtMost400Lines() =>
        Assert.DoesNotContain(Sources(""), file => File.ReadLines(file).Count() > 400);

    [Fact]
    public void Options_All_AreInTheOperatorsGuide()
    {
        var guide = File.ReadAllText(Path.Combine(Root, "docs/operations.md"));

        Assert.DoesNotContain(SettingCatalog.All.Select(option => option.Path), path => !guide.Contains(path, StringComparison.Ordinal));
    }

    internal static string FindRoot([CallerFilePath] string here = "")
    {
        var folder = new FileInfo(here).Directory;
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "Relay.sln")))
        {
            folder = folder.Parent;
        }

        return folder?.FullName ?? throw new InvalidOperationException($"No Relay.sln above {here}");
    }

    private static IEnumerable<string> Sources(string folder)
    {
        var root = Path.Combine(Root, "src/Server", folder);
        return Directory.EnumerateFiles(root, "*.cs", SearchOption.AllDirectories)
            .Where(file => Path.GetRelativePath(root, file).Split('/')[0] is not ("bin" or "obj"));
    }

    [GeneratedRegex(@"\bRelay\.(Protocol|Telemetry|Storage|Addresses|Limits|Admission|Listening|Sessions|Identity|Federation|Presence|Signaling|Relays|Rendezvous|Channels|Chunks|Attestation|Access|AuditLog|Configuration|AdminApi|Admin|Http)\b")]
    private static partial Regex NamespaceName();

    [GeneratedRegex(@"\binterface (I\w+)")]
    private static partial Regex InterfaceName();
}
