using System.Text.RegularExpressions;
using Relay.Configuration;

namespace Server.Tests.Configuration;

/// <summary>deploy/cluster: what it sets exists, and what it says twice is the same.</summary>
public sealed partial class DeployFilesTests
{
    private static readonly string Folder = Path.Combine(ArchitectureTests.FindRoot(), "deploy", "cluster");

    [Theory]
    [InlineData("compose.yaml")]
    [InlineData("kubernetes.yaml")]
    public void Options_InTheEnvironment_Exist(string file)
    {
        var names = Variable().Matches(File.ReadAllText(Path.Combine(Folder, file))).Select(match => match.Groups[1].Value.Replace("__", ":", StringComparison.Ordinal)).ToHashSet();

        Assert.Contains("CLUSTER:NATS", names);
        Assert.Empty(names.Except(SettingCatalog.All.Select(option => option.Path.ToUpperInvariant())));
    }

    [Fact]
    public void HaproxyInKubernetes_IsThatOfTheFile()
    {
        var lines = File.ReadAllLines(Path.Combine(Folder, "haproxy.cfg")).Select(line => line.Length > 0 ? $"    {line}" : "");

        Assert.Contains($"  haproxy.cfg: |\n{string.Join('\n', lines)}\n---", File.ReadAllText(Path.Combine(Folder, "kubernetes.yaml")), StringComparison.Ordinal);
    }

    // RELAY_VERSION is compose's own.
    [GeneratedRegex("RELAY_([A-Z0-9]+__[A-Z0-9_]+)")]
    private static partial Regex Variable();
}
