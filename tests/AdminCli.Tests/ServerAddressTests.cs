using Relay.AdminCli;

namespace AdminCli.Tests;

public sealed class ServerAddressTests
{
    [Theory]
    [InlineData("unix:/run/relay/admin.sock", "/run/relay/admin.sock")]
    [InlineData("unix:///run/relay/admin.sock", "/run/relay/admin.sock")]
    [InlineData("/run/relay/admin.sock", "/run/relay/admin.sock")]
    [InlineData("/a folder/x", "/a folder/x")]
    public void Parse_Socket_IsItsPath(string text, string path)
    {
        var address = ServerAddress.Parse(text, "--server", out var problem);
        Assert.Null(problem);
        Assert.Equal(path, address?.SocketPath);
        Assert.Equal($"unix:{path}", address?.ToString());
    }

    [Theory]
    [InlineData("http://localhost:9001")]
    [InlineData("https://relay.example:9001")]
    [InlineData("http://[::1]:9001")]
    [InlineData("http://127.0.0.1:9001/")]
    public void Parse_Url_IsTheChannel(string text)
    {
        var address = ServerAddress.Parse(text, "--server", out var problem);
        Assert.Null(problem);
        Assert.Null(address?.SocketPath);
        Assert.Equal(text.TrimEnd('/'), address?.ToString());
    }

    [Theory]
    [InlineData("")]
    [InlineData(" ")]
    [InlineData("/")]
    [InlineData("//host/share")]
    [InlineData("unix:")]
    [InlineData("unix:relative.sock")]
    [InlineData("unix://host/path")]
    [InlineData("admin.sock")]
    [InlineData("localhost:9001")]
    [InlineData("localhost")]
    [InlineData("ftp://localhost:21")]
    [InlineData("file:///run/relay/admin.sock")]
    [InlineData("http://")]
    [InlineData("http://user:secret@host:9001")]
    [InlineData("http://host:9001/path")]
    [InlineData("http://host:9001?query")]
    [InlineData("http://host:99999")]
    public void Parse_AnythingElse_ShowsTheAcceptedForms(string text)
    {
        Assert.Null(ServerAddress.Parse(text, "RELAY_ADMIN", out var problem));
        Assert.StartsWith("RELAY_ADMIN: ", problem);
        Assert.Contains("unix:/path/admin.sock, /path/admin.sock, http://host:port or https://host:port", problem);
    }

    [Fact]
    public void Parse_PathTooLongForASocket_SaysHowLongItMayBe()
    {
        Assert.NotNull(ServerAddress.Parse($"/{new string('x', 106)}", "--server", out _));
        Assert.Null(ServerAddress.Parse($"/{new string('x', 107)}", "--server", out var problem));
        Assert.Contains("107 bytes at most, this one has 108", problem);
    }
}
