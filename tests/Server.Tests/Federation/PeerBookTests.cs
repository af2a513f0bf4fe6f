using Microsoft.Extensions.Time.Testing;
using Relay.Federation;

namespace Server.Tests.Federation;

public sealed class PeerBookTests : IDisposable
{
    private readonly FakeTimeProvider _time = new();
    private readonly string _folder = Directory.CreateTempSubdirectory("relay-test-").FullName;
    private readonly FederationOptions _options;

    public PeerBookTests() => _options = new FederationOptions { Admit = FederationAdmit.Any, PeersFile = Path.Combine(_folder, "peers.json") };

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Save_KnownAndBlocked_AreThereAfterARestart()
    {
        var book = New();
        book.Remember("a", "wss://a.example", "eu");
        Assert.True(book.Block("b", "hostile", "kay"));
        book.Remember("c", "wss://c.example", "");
        book.Save();

        var again = New();

        Assert.Equal(["a", "c"], again.Known().Select(server => server.ServerId));
        Assert.Equal(("b", "hostile", "kay"), again.Blocked().Select(server => (server.ServerId, server.Reason, server.By)).Single());
        Assert.True(again.IsBlocked("b"));
        Assert.False(again.IsBlocked("a"));
        if (!OperatingSystem.IsWindows())
        {
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(_options.PeersFile));
        }
    }

    [Fact]
    public void Block_WithoutSave_IsOnTheDisk()
    {
        Assert.True(New().Block("b", "", "kay"));

        Assert.True(New().IsBlocked("b"));
        Assert.True(New().Unblock("b"));
        Assert.False(New().IsBlocked("b"));
        Assert.False(New().Unblock("b"));
    }

    [Fact]
    public void Block_FolderCannotBeMade_ThrowsAndChangesNothing()
    {
        File.WriteAllText(Path.Combine(_folder, "file"), "");
        _options.PeersFile = Path.Combine(_folder, "file", "peers.json");
        var book = New();

        Assert.ThrowsAny<IOException>(() => book.Block("b", "", "kay"));

        Assert.False(book.IsBlocked("b"));
    }

    [Fact]
    public void Remember_MoreThanTheBound_ForgetsTheOldest()
    {
        var book = New();
        for (var i = 0; i <= PeerBook.MaxKnown; i++)
        {
            _time.Advance(TimeSpan.FromSeconds(1));
            book.Remember($"{i}", "wss://a.example", "");
        }

        Assert.Equal(PeerBook.MaxKnown, book.Known().Count);
        Assert.DoesNotContain(book.Known(), server => server.ServerId == "0");
        Assert.True(book.Forget("1"));
        Assert.False(book.Forget("1"));
    }

    [Theory]
    [InlineData("garbage")]
    [InlineData("null")]
    [InlineData("""{"known":[{}]}""")]
    public void Load_UnusableFile_SaysWhatToDo(string text)
    {
        File.WriteAllText(_options.PeersFile, text);

        var exception = Assert.Throws<InvalidDataException>(New);

        Assert.Contains("move it away", exception.Message, StringComparison.Ordinal);
    }

    private PeerBook New() => new(_options, _time);
}
