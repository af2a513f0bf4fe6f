using Relay.EndToEnd.Support;

namespace Relay.EndToEnd.Storage;

/// <summary>What an operator sees when the database cannot be used; which cases there are, Server.Tests shows.</summary>
[Trait("Programs", "Started")]
public sealed class StorageStartTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("relay-test-").FullName;

    private string Database => Path.Combine(_folder, "relay.db");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Start_NoDatabase_ExitsWithOneSentence()
    {
        await File.WriteAllTextAsync(Database, "this is no database", TestContext.Current.CancellationToken);

        AssertRefused(await StartAsync(), "file is not a database");
        Assert.Equal("this is no database", await File.ReadAllTextAsync(Database, TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task Start_SecondRelayOnTheSameFile_ExitsWithOneSentence()
    {
        TestStorage.SkipUnlessFile();
        await using var first = await RelayServer.StartAsync(settings => settings.Storage.File = Database);

        AssertRefused(await StartAsync(), "used by another process");
        await using var client = await TestClient.ConnectAsync(first);
    }

    private Task<(int ExitCode, string Output)> StartAsync() => RelayProcess.RunAsync(
    [
        "--Listen:Address=127.0.0.1", "--Listen:Port=0", "--Admin:Socket=admin.sock", "--Identity:KeyFile=server.key",
        "--Log:Level=Warning", $"--Storage:File={Database}",
    ]);

    private void AssertRefused((int ExitCode, string Output) end, string why)
    {
        Assert.Equal(1, end.ExitCode);
        Assert.StartsWith($"relayd: cannot start: The database '{Database}' cannot be used: ", end.Output, StringComparison.Ordinal);
        Assert.Contains(why, end.Output, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', end.Output);
    }
}
