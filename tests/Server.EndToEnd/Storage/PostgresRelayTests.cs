using Relay.EndToEnd.Support;
using Relay.TestKit;

namespace Relay.EndToEnd.Storage;

/// <summary>Relays on a PostgreSQL database: what their clients and their operators see.</summary>
[Trait("Programs", "Started")]
public sealed class PostgresRelayTests : IDisposable
{
    private const string Secret = "s3cret-word";

    private readonly string _folder = Directory.CreateTempSubdirectory("relay-test-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task TwoRelays_StartedAtOnce_ShareDropsAndChunks()
    {
        var connection = await (await SharedPostgres.GetAsync()).CreateDatabaseAsync();
        var key = $"--Identity:KeyFile={Path.Combine(_folder, "server.key")}";
        await using var first = await StartAsync(connection, key);
        var started = await Task.WhenAll(StartAsync(connection, key), StartAsync(connection, key));
        await using var second = started[0];
        await using var third = started[1];

        await using var a = await TestClient.RegisterAsync(first.Port, "AAAAAA");
        await using var b = await TestClient.RegisterAsync(second.Port, "BBBBBB");
        await a.MeetAsync("'dailyPoints':['p'],'deadDrops':{'p':'letter\\u0000 😀'},'hourlyTokens':['t']");
        var found = await b.MeetAsync("'dailyPoints':['p'],'hourlyTokens':['t']");
        Assert.Equal(["letter\0 😀"], found.Drops());
        Assert.Empty(found.Matches());

        await a.OwnAsync("news");
        await a.PushedAsync("c", "\"old\"");
        await b.ExpectCachedAsync("c", "\"old\"");

        // Replaced at one relay, it is replaced at those that had the former one.
        await a.PushedAsync("c", "\"new\"");
        await b.ExpectCachedAsync("c", "\"new\"");

        // The same client at another relay has left nothing for itself.
        await using var again = await TestClient.RegisterAsync(third.Port, "AAAAAA");
        Assert.Empty((await again.MeetAsync("'dailyPoints':['p']")).Drops());
    }

    [Fact]
    public async Task ServerKilledAndRestarted_ClientsGetErrorsAtOnceAndThenAnswersAgain()
    {
        await using var server = await PostgresServer.StartAsync();
        await using var relay = await StartAsync(await server.CreateDatabaseAsync());
        await using var a = await TestClient.RegisterAsync(relay.Port, "AAAAAA");
        await a.MeetAsync("'dailyPoints':['p'],'deadDrops':{'p':'letter'}");
        await server.KillAsync();
        for (var i = 0; i < 20; i++)
        {
            await a.PutAsync($"'dailyPoints':['p{i}']");
            await a.ExpectErrorAsync("Internal server error");
        }

        // Whoever needs no database notices nothing.
        await using var b = await TestClient.RegisterAsync(relay.Port, "BBBBBB");
        await server.RestartAsync();
        await Eventually.TrueAsync(() => relay.Output.Contains("can be reached again", StringComparison.Ordinal), "the relay has noticed");
        Assert.Equal(["letter"], (await b.MeetAsync("'dailyPoints':['p']")).Drops());
        Assert.Single(relay.Output.Split('\n'), line => line.Contains("cannot be reached", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Start_WrongPassword_ExitsWithOneSentenceWithoutIt()
    {
        var server = await SharedPostgres.GetAsync();
        var end = await RelayProcess.RunAsync(
            Options(), ("RELAY_STORAGE__CONNECTION", $"{server.Connection("postgres", PostgresServer.LockedUser)};Password={Secret}"));

        Assert.Equal(1, end.ExitCode);
        Assert.StartsWith("relayd: cannot start: The database 'postgres' on ", end.Output, StringComparison.Ordinal);
        Assert.Contains("the server refuses the password of user 'locked'", end.Output, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', end.Output);
        Assert.DoesNotContain(Secret, end.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0, $"--Storage:Connection=Host=db;Database=relay;Password={Secret}", "--check-config")]
    [InlineData(2, $"--Storage:Connection=Host=db;Database=relay;Pasword={Secret}", "--check-config")]
    [InlineData(2, $"--Storage:Connection=postgresql://relay:{Secret}@", "--check-config")]
    [InlineData(2, $"--Storage:Conection=Host=db;Password={Secret}", "--check-config")]
    [InlineData(2, $"Storage:Connection=Host=db;Password={Secret}", "--check-config")]
    [InlineData(1, "migrate-storage", "--from", "/nowhere/relay.db", "--to", $"Host=db;Database=relay;Password={Secret}")]
    [InlineData(2, "migrate-storage", "--from", "/nowhere/relay.db", "--to", $"Host=db;Password={Secret}")]
    [InlineData(2, "migrate-storage", "--from", "/nowhere/relay.db", "--to", "Host=db;Database=relay;", $"Password={Secret}")]
    [InlineData(2, "migrate-storage", "--to", $"Host=db;Database=relay;Password={Secret}")]
    [InlineData(2, "migrate-storage", "--from", "/nowhere/relay.db")]
    public async Task CommandLine_WithAPassword_NeverPrintsIt(int exitCode, params string[] arguments)
    {
        var end = await RelayProcess.RunAsync(arguments);

        Assert.Equal((exitCode, true), (end.ExitCode, end.Output.Length > 0));
        Assert.DoesNotContain(Secret, end.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task MigrateStorage_OfARelayThatRan_BringsWhatItsClientsLeft()
    {
        TestStorage.SkipUnlessFile();
        var connection = await (await SharedPostgres.GetAsync()).CreateDatabaseAsync($"OWNER {PostgresServer.LockedUser}");
        connection = $"{connection.Replace("Username=postgres", $"Username={PostgresServer.LockedUser}", StringComparison.Ordinal)};Password=\"{PostgresServer.LockedPassword}\"";
        var file = Path.Combine(_folder, "relay.db");
        await using (var server = await RelayServer.StartAsync(settings => settings.Storage.File = file))
        {
            await using var a = await TestClient.RegisterAsync(server, "AAAAAA");
            await a.MeetAsync("'dailyPoints':['p'],'deadDrops':{'p':'letter'}");
        }

        var end = await RelayProcess.RunAsync(["migrate-storage", "--from", file], ("RELAY_STORAGE__CONNECTION", connection));
        Assert.Equal((0, true), (end.ExitCode, end.Output.StartsWith($"Copied '{file}' to the database 'test", StringComparison.Ordinal)));
        Assert.Matches(@"meeting_points +1 rows", end.Output);
        Assert.DoesNotContain("c0rrect", end.Output, StringComparison.Ordinal);

        await using var relay = await StartAsync(connection);
        await using var b = await TestClient.RegisterAsync(relay.Port, "BBBBBB");
        Assert.Equal(["letter"], (await b.MeetAsync("'dailyPoints':['p']")).Drops());
        var again = await RelayProcess.RunAsync(["migrate-storage", "--from", file, "--to", connection]);
        Assert.Equal(1, again.ExitCode);
        Assert.Contains("rows already. --replace deletes them first.", again.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("c0rrect", $"{again.Output}{relay.Output}", StringComparison.Ordinal);
    }

    [Fact]
    public async Task MigrateStorage_Help_SaysHow()
    {
        var end = await RelayProcess.RunAsync(["migrate-storage", "--help"]);

        Assert.Equal(0, end.ExitCode);
        Assert.Contains("relayd migrate-storage --from FILE --to CONNECTION [--replace]", end.Output, StringComparison.Ordinal);
    }

    private static Task<RelayProcess> StartAsync(string connection, params string[] arguments) =>
        RelayProcess.StartWithVariablesAsync(new Dictionary<string, string> { ["RELAY_STORAGE__CONNECTION"] = connection }, arguments);

    private static string[] Options() =>
        ["--Listen:Address=127.0.0.1", "--Listen:Port=0", "--Admin:Socket=admin.sock", "--Identity:KeyFile=server.key", "--Log:Level=Warning"];
}
