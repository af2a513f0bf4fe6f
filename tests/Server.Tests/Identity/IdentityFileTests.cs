using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Relay.Identity;
using Server.Tests.Support;

namespace Server.Tests.Identity;

public sealed class IdentityFileTests : IDisposable
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private readonly string _folder = Directory.CreateTempSubdirectory("relay-identity-").FullName;

    private string KeyFile => Path.Combine(_folder, "data", "server.key");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void LoadOrCreate_NoFile_MakesOneForTheOwnerOnly()
    {
        using var identity = Load();

        Assert.Equal(OwnerOnly, File.GetUnixFileMode(KeyFile));
        Assert.Equal(OwnerOnly | UnixFileMode.UserExecute, File.GetUnixFileMode(Path.GetDirectoryName(KeyFile)!));
        Assert.Equal(KeyFile, Assert.Single(Directory.GetFiles(Path.GetDirectoryName(KeyFile)!)));
        using var json = JsonDocument.Parse(File.ReadAllBytes(KeyFile));
        Assert.Equal(
            ["serverId", "nodeId", "publicKey", "privateKey"], json.RootElement.EnumerateObject().Select(property => property.Name));
        Assert.Equal(identity.ServerId, json.RootElement.GetProperty("serverId").GetString());
    }

    [Fact]
    public void LoadOrCreate_SecondStart_IsTheSameServer()
    {
        using var first = Load();
        using var second = Load();

        Assert.Equal(first.ServerId, second.ServerId);
    }

    [Fact]
    public void LoadOrCreate_ManyAtOnce_AgreeOnOneKey()
    {
        var ids = Enumerable.Range(0, 16).AsParallel().WithDegreeOfParallelism(8).Select(_ =>
        {
            using var identity = Load();
            return identity.ServerId;
        }).Distinct().ToArray();

        Assert.Single(ids);
        Assert.Single(Directory.GetFiles(Path.GetDirectoryName(KeyFile)!));
    }

    [Fact]
    public void LoadOrCreate_FileOfAnotherServerWithMoreFields_IsRead()
    {
        Load().Dispose();
        File.WriteAllText(KeyFile, File.ReadAllText(KeyFile).Replace("{", """{"ephemeralId":"srv-abc123",""", StringComparison.Ordinal));

        Load().Dispose();
    }

    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("{\"serverId\":null,\"nodeId\":null,\"publicKey\":null,\"privateKey\":null}")]
    [InlineData("{\"serverId\":\"a\",\"nodeId\":\"b\",\"publicKey\":\"c\",\"privateKey\":\"d\"}")]
    [InlineData("{\"serverId\":\"a\",\"nodeId\":\"b\",\"publicKey\":\"c\",\"privateKey\":\"AAAA\"}")]
    [InlineData("{\"serverId\":\"ed25519:A6EH")]
    public void LoadOrCreate_Damaged_StopsAndLeavesTheFile(string content)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(KeyFile)!);
        File.WriteAllText(KeyFile, content);

        AssertRefused();

        Assert.Equal(content, File.ReadAllText(KeyFile));
    }

    [Theory]
    [InlineData("serverId")]
    [InlineData("nodeId")]
    [InlineData("publicKey")]
    [InlineData("privateKey")]
    public void LoadOrCreate_FieldOfAnotherKey_Stops(string field)
    {
        Load().Dispose();
        var other = Path.Combine(_folder, "other.key");
        ServerIdentity.LoadOrCreate(new IdentityOptions { KeyFile = other }, NullLogger<ServerIdentity>.Instance).Dispose();
        var mixed = JsonSerializer.Deserialize<Dictionary<string, string>>(File.ReadAllText(KeyFile))!;
        mixed[field] = JsonSerializer.Deserialize<Dictionary<string, string>>(File.ReadAllText(other))![field];
        File.WriteAllText(KeyFile, JsonSerializer.Serialize(mixed));

        var message = AssertRefused();

        Assert.DoesNotContain(mixed["privateKey"], message, StringComparison.Ordinal);
    }

    [Fact]
    public void LoadOrCreate_TooLarge_Stops()
    {
        Directory.CreateDirectory(Path.GetDirectoryName(KeyFile)!);
        File.WriteAllBytes(KeyFile, new byte[1 << 20]);

        AssertRefused();
    }

    [Fact]
    public void LoadOrCreate_PathIsAFolder_Stops()
    {
        Directory.CreateDirectory(KeyFile);

        AssertRefused();

        Assert.True(Directory.Exists(KeyFile));
    }

    [Fact]
    public void LoadOrCreate_FolderIsAFile_Stops()
    {
        File.WriteAllText(Path.GetDirectoryName(KeyFile)!, "");

        AssertRefused();
    }

    [Fact]
    public void LoadOrCreate_NotReadable_Stops()
    {
        Assert.SkipWhen(Environment.IsPrivilegedProcess, "root reads every file");
        Load().Dispose();
        File.SetUnixFileMode(KeyFile, UnixFileMode.None);

        AssertRefused();
    }

    [Fact]
    public void LoadOrCreate_OthersCanRead_TightensAndWarns()
    {
        Load().Dispose();
        File.SetUnixFileMode(KeyFile, OwnerOnly | UnixFileMode.GroupRead | UnixFileMode.OtherRead);
        var log = new ListLogger<ServerIdentity>();

        ServerIdentity.LoadOrCreate(new IdentityOptions { KeyFile = KeyFile }, log).Dispose();

        Assert.Equal(OwnerOnly, File.GetUnixFileMode(KeyFile));
        var (level, text) = Assert.Single(log.Lines);
        Assert.Equal(LogLevel.Warning, level);
        Assert.Contains(KeyFile, text, StringComparison.Ordinal);
    }

    [Fact]
    public void StoredIdentity_Printed_HasNoPrivateKey()
    {
        var seed = Convert.ToBase64String(Encoding.ASCII.GetBytes("never in a log"));

        Assert.DoesNotContain(seed, new StoredIdentity("id", "node", "public", seed).ToString(), StringComparison.Ordinal);
    }

    private ServerIdentity Load() =>
        ServerIdentity.LoadOrCreate(new IdentityOptions { KeyFile = KeyFile }, NullLogger<ServerIdentity>.Instance);

    private string AssertRefused()
    {
        var message = Assert.Throws<InvalidDataException>(Load).Message;
        Assert.Contains(KeyFile, message, StringComparison.Ordinal);
        Assert.Contains("Identity:KeyFile", message, StringComparison.Ordinal);
        return message;
    }
}
