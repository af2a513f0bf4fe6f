using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Relay.AdminAuth;

namespace Server.Tests.AdminAuth;

public sealed class TokenStoreTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("relay-tokens-").FullName;
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 5, 1, 12, 0, 0, TimeSpan.Zero));

    private string FilePath => Path.Combine(_folder, "data", "tokens.json");

    [Fact]
    public void Find_AfterARestart_KnowsTheTokenAndNotTheRevoked()
    {
        var store = Open();
        Assert.Equal(TokenProblem.None, store.Create("ci", AdminRole.Operate, TimeSpan.FromDays(1), out _, out var text));
        store.Create("gone", AdminRole.Read, TimeSpan.FromDays(1), out var gone, out var goneText);
        Assert.Same(gone, store.Revoke(gone!.Id));
        Assert.Null(store.Revoke(gone.Id));
        var restarted = Open();

        Assert.Equal(("ci", AdminRole.Operate), (restarted.Find(text, out _)!.Name, restarted.Find(text, out _)!.Role));
        Assert.Null(restarted.Find(goneText, out var problem));
        Assert.Contains("revoked", problem, StringComparison.Ordinal);
        Assert.False(store.IsValid(gone));
        Assert.DoesNotContain(text[15..], File.ReadAllText(FilePath), StringComparison.Ordinal);
    }

    [Fact]
    public void Find_Used_IsRememberedToTheMinute()
    {
        var store = Open();
        store.Create("ci", AdminRole.Read, TimeSpan.FromDays(1), out var token, out var text);
        Assert.Null(token!.LastUsed);
        store.Find(text, out _);
        var first = token.LastUsed;
        _time.Advance(TimeSpan.FromSeconds(59));
        store.Find(text, out _);
        Assert.Equal((_time.GetUtcNow() - TimeSpan.FromSeconds(59), first), (first, token.LastUsed));
        _time.Advance(TimeSpan.FromSeconds(1));
        store.Find(text, out _);

        Assert.Equal(_time.GetUtcNow(), token.LastUsed);
        Assert.Equal(_time.GetUtcNow(), Assert.Single(Open().All).LastUsed);
    }

    // A call that goes on holds on to the object.
    [Fact]
    public void Load_FileOfAnother_TakesItAndKeepsTheObjectsOfTheRest()
    {
        var (store, other) = (Open(), Open());
        store.Create("kept", AdminRole.Read, TimeSpan.FromDays(1), out var kept, out var keptText);
        store.Create("gone", AdminRole.Read, TimeSpan.FromDays(1), out var gone, out _);
        Assert.False(store.Load());
        store.Find(keptText, out _);
        Assert.True(other.Load());
        other.Revoke(gone!.Id);
        other.Create("new", AdminRole.Read, TimeSpan.FromDays(1), out _, out var added);

        Assert.True(store.Load());

        Assert.Equal((true, false, "new"), (store.IsValid(kept!), store.IsValid(gone), store.Find(added, out _)!.Name));
        File.WriteAllText(FilePath, "[");
        Assert.Throws<InvalidDataException>(() => store.Load());
        Assert.True(store.IsValid(kept!));
    }

    [Fact]
    public void Find_AnyOtherText_IsNoToken()
    {
        var store = Open();
        store.Create("ci", AdminRole.Read, TimeSpan.FromDays(1), out _, out var text);

        Assert.All(
            ["", "relay_", text[1..], text + "A", text.ToUpperInvariant(), text.Replace('_', '-'), new string('x', text.Length), "relay_🙂🙂🙂🙂_" + text[15..]],
            (string other) => Assert.Null(store.Find(other, out _)));
    }

    [Fact]
    public void Create_TooMany_IsRefusedUntilOneIsForgotten()
    {
        Directory.CreateDirectory(Path.GetDirectoryName(FilePath)!);
        TokenFile.Save(FilePath, Enumerable.Range(0, TokenStore.MaxTokens)
            .Select(i => AdminToken.Create($"t{i}", AdminRole.Read, _time.GetUtcNow(), TimeSpan.FromMinutes(1)).Token).DistinctBy(token => token.Id));
        var store = Open();
        while (store.Create($"more{store.All.Count}", AdminRole.Read, TimeSpan.FromDays(1), out _, out _) == TokenProblem.None)
        {
        }

        Assert.Equal(TokenStore.MaxTokens, store.All.Count);
        Assert.Equal(TokenProblem.TooMany, store.Create("one more", AdminRole.Read, TimeSpan.FromDays(1), out _, out _));
        _time.Advance(TimeSpan.FromDays(31));
        Assert.Equal(TokenProblem.None, store.Create("one more", AdminRole.Read, TimeSpan.FromDays(1), out _, out _));
    }

    [Theory]
    [InlineData("")]
    [InlineData("{}")]
    [InlineData("null")]
    [InlineData("""{"tokens":[{"id":"a","name":"b","role":"root","sha256":"","created":"2026-05-01T12:00:00Z","expires":"2026-05-01T12:00:00Z"}]}""")]
    [InlineData("""{"tokens":[{"id":"a","name":"b","role":"read","sha256":"AAAA","created":"2026-05-01T12:00:00Z","expires":"2026-05-01T12:00:00Z"}]}""")]
    [InlineData("""{"tokens":[null]}""")]
    public void Start_DamagedFile_StopsTheStartAndNamesIt(string text)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(FilePath)!);
        File.WriteAllText(FilePath, text);

        var error = Assert.Throws<InvalidDataException>(Open);
        Assert.Contains(FilePath, error.Message, StringComparison.Ordinal);
        Assert.Equal(text, File.ReadAllText(FilePath));
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private TokenStore Open()
    {
        var store = new TokenStore(new AdminOptions { TokenFile = FilePath }, _time, NullLogger<TokenStore>.Instance);
        store.StartAsync(TestContext.Current.CancellationToken).GetAwaiter().GetResult();
        return store;
    }
}
