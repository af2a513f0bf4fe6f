using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using Relay.Configuration;

namespace Server.Tests;

/// <summary>What the folders of src/Server may use. A folder builds on those above it; feature folders do not use each other.</summary>
public sealed partial class ArchitectureTests
{
    /// <summary>The folders in the order in which they build on each other: a folder may use those on lines above its own.</summary>
    private static readonly string[] Order =
    [
        "Memory",
        "Protocol AdminApi Scheduling Events Native",
        "Telemetry",
        "Storage Addresses Identity Cluster",
        "RateLimiting",
        "Policy",
        "Admission",
        "Transport",
        "ClientAuth",
        "Sessions",
        "Clients Federation",
        "Signaling Relays Rendezvous Channels Attestation",
        // Chunks are a channel's content: who owns and who subscribes decides what may be pushed and who is told.
        "Chunks",
        "History",
        "AdminAuth",
        // An entry says who did it.
        "AuditLog",
        // One settings class names every folder's options.
        "Configuration",
        "Upgrade",
        "Admin",
        "Http",
        "Hosting",
    ];

    private static readonly string[] Entrances = ["Transport/Kestrel/", "Http/", "Admin/", "AdminAuth/"];

    private static readonly string Root = FindRoot();

    private static readonly ILookup<string, string> Used = FolderReferences.Read(typeof(RelaySettings).Assembly);

    public static TheoryData<string> Folders => [.. Order.SelectMany(line => line.Split(' '))];

    [Theory]
    [MemberData(nameof(Folders))]
    public void Folder_Uses_OnlyWhatStandsAboveIt(string folder)
    {
        var above = Order.TakeWhile(line => !line.Split(' ').Contains(folder)).SelectMany(line => line.Split(' '));

        Assert.Empty(Used[folder].Except(above));
    }

    [Fact]
    public void Folders_All_AreInTheOrder() => Assert.Equal(
        Order.SelectMany(line => line.Split(' ')).Except(["AdminApi"]).Order(),
        Directory.GetDirectories(Path.Combine(Root, "src/Server")).Select(Path.GetFileName).Except(["bin", "obj", "Properties"]).Order());

    [Fact]
    public void Folders_All_AreInTheMap()
    {
        var map = File.ReadAllText(Path.Combine(Root, "docs/architecture.md"));

        Assert.DoesNotContain(Order.SelectMany(line => line.Split(' ')).Except(["AdminApi"]), folder => !map.Contains($"| `{folder}` |", StringComparison.Ordinal));
    }

    /// <summary>Names in the source code, also relative ones: what the compiled code shows is not a matter of using lines.</summary>
    [Fact]
    public void Reader_RelativeNamesAndInferredTypes_AreSeen()
    {
        Assert.Contains("Policy", Used["Admission"]);
        Assert.Contains("Federation", Used["Admin"]);
        Assert.DoesNotContain("Admin", Used["Sessions"]);
    }

    [Fact]
    public void Interfaces_All_AreTheSeamsWeKnow() => Assert.Equal(
        ["IConnectionHandler", "IMovable", "ISessionHandler", "IStatistics"],
        Sources("").SelectMany(file => InterfaceName().Matches(File.ReadAllText(file)).Select(match => match.Groups[1].Value)).Order());

    // Sessions and features run on whatever carries bytes.
    [Fact]
    public void HttpContext_IsNamed_OnlyAtTheEntrances() => Assert.DoesNotContain(
        Sources("").Where(file => File.ReadAllText(file) is var text
            && (text.Contains("HttpContext", StringComparison.Ordinal) || text.Contains("System.Net.WebSockets", StringComparison.Ordinal))),
        file => !Entrances.Any(entrance =>
            Path.GetRelativePath(Path.Combine(Root, "src/Server"), file).StartsWith(entrance, StringComparison.Ordinal)));

    // What a class works with is known when it is made: a callback that is set later is wiring nobody finds.
    [Fact]
    public void Callbacks_OfAllTypes_AreNotSettable() => Assert.Empty(Callbacks.Settable(typeof(RelaySettings).Assembly));

    [Fact]
    public void CallbackReader_SettableOnes_AreSeen() => Assert.Equal(
        ["CallbackSample.Field", "CallbackSample.Init", "CallbackSample.Set"],
        Callbacks.Settable(typeof(CallbackSample)).Order(StringComparer.Ordinal));

    // Where more is needed, two classes are one.
    [Fact]
    public void Files_All_AreAtMost300Lines() => Assert.DoesNotContain(Sources(""), file => File.ReadLines(file).Count() > 300);

    // Records that only carry data (a page, a message) are not made of collaborators.
    [Fact]
    public void Constructors_OfServices_HaveAtMost9Parameters() => Assert.Empty(
        typeof(RelaySettings).Assembly.GetTypes()
            .Where(type => !type.IsValueType && !type.IsDefined(typeof(CompilerGeneratedAttribute), inherit: false))
            .SelectMany(type => type.GetConstructors(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic))
            .Where(constructor => constructor.GetParameters() is { Length: > 9 } parameters && parameters.Any(IsService))
            .Select(constructor => $"{constructor.DeclaringType!.Name} has {constructor.GetParameters().Length}"));

    private static bool IsService(ParameterInfo parameter) =>
        parameter.ParameterType is { IsClass: true, Assembly: var assembly } && assembly == typeof(RelaySettings).Assembly;

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

    [GeneratedRegex(@"\binterface (I\w+)")]
    private static partial Regex InterfaceName();
}
