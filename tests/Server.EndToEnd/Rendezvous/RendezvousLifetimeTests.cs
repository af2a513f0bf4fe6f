using System.Data.Common;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Time.Testing;
using Relay.Clients;
using Relay.EndToEnd.Support;
using Relay.Rendezvous;
using Relay.Sessions;
using Relay.Storage;

namespace Relay.EndToEnd.Rendezvous;

/// <summary>How long rendezvous keeps what, and what a slow or full disk does to it.</summary>
[Trait("Clients", "Spread")]
public sealed class RendezvousLifetimeTests
{
    private const string All = "'dailyPoints':['p'],'hourlyTokens':['t'],'deadDrops':{'p':'letter'}";
    private const string Ask = "'dailyPoints':['p'],'hourlyTokens':['t']";

    /// <summary>A dead drop is for when its owner is away; a live match is not.</summary>
    [Theory]
    [InlineData("'pairingCode':'AAAAAA','publicKey':'a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s='")]
    [InlineData("'peerId':'peer-a'")]
    public async Task Leave_Owner_TakesItsTokensAndLeavesItsLetters(string name)
    {
        await using var server = await RelayServer.StartAsync();
        await using (var a = await TestClient.ConnectAsync(server))
        {
            await a.SendAsync($"{{'type':'register',{name}}}".Replace('\'', '"'));
            await a.ExpectAsync("registered");
            await a.MeetAsync(All);
            await a.CloseAsync();
        }

        await TokensAsync(server, 0);
        await using var b = await TestClient.RegisterAsync(server, "BBBBBB");
        var found = await b.MeetAsync(Ask);
        Assert.Empty(found.Matches());
        Assert.Equal(["letter"], found.Drops());
    }

    /// <summary>The name is free and another's at once; what the first left behind, for whatever reason, is not his.</summary>
    [Fact]
    public async Task Leave_NameTakenByAnother_FirstsTokensNeitherMatchNorGoForHim()
    {
        TestCluster.SkipWhereSpread("it looks into the relay to which the first was connected");
        await using var server = await RelayServer.StartAsync();
        long owner;
        await using (var first = await TestClient.RegisterAsync(server, "AAAAAA"))
        {
            owner = SessionOf(server, "AAAAAA");
            await first.MeetAsync("'hourlyTokens':['old','both']");

            // As if removing them had failed: for a while they are not where they are looked for.
            await server.Get<Database>().RunAsync(connection => Do(connection, "UPDATE meeting_points SET peer_id = 'x' || peer_id"));
            await first.CloseAsync();
        }

        await Eventually.TrueAsync(() => server.Sum<ClientDirectory>(clients => clients.Counts().Codes) == 0, "the name is free");
        Assert.Equal(2, await server.Get<Database>().RunAsync(connection => Do(connection, "UPDATE meeting_points SET peer_id = substr(peer_id, 2)")));
        await using var second = await TestClient.RegisterAsync(server, "AAAAAA");
        await second.MeetAsync("'hourlyTokens':['both']");
        await using var b = await TestClient.RegisterAsync(server, "BBBBBB");
        Assert.Empty((await b.MeetAsync("'hourlyTokens':['old']")).Matches());
        await second.ExpectNothingAsync();

        // The first's departure, late.
        await server.Get<RendezvousStore>().RemoveTokensAsync(owner, ["AAAAAA"]);
        Assert.Equal(["AAAAAA"], (await b.MeetAsync("'hourlyTokens':['both']")).Matches());
    }

    [Fact]
    public async Task Leave_RegistrationStillQueued_NoTokenStaysBehind()
    {
        TestCluster.SkipWhereSpread("its own writes to the database wait");
        await using var server = await RelayServer.StartAsync();
        using var disk = await Stall.BeginAsync(server);
        using (var a = await RawClient.UpgradeAsync(server))
        {
            await a.SendAsync(RawWebSocket.Frame(0x81, """{"type":"register","pairingCode":"AAAAAA","publicKey":"a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s="}"""u8.ToArray()));
            await a.SendAsync(RawWebSocket.Frame(0x81, """{"type":"register_rendezvous","dailyPoints":["p"],"hourlyTokens":["t"],"deadDrops":{"p":"letter"}}"""u8.ToArray()));
            await Eventually.TrueAsync(() => server.Get<Database>().Waiting == 1, "the registration waits");
            a.Reset();
        }

        disk.End();
        await Eventually.TrueAsync(() => server.Sum<SessionTable>(sessions => sessions.Count) == 0, "the socket is gone");
        await TokensAsync(server, 0);
        await using var b = await TestClient.RegisterAsync(server, "BBBBBB");
        var found = await b.MeetAsync(Ask);
        Assert.Empty(found.Matches());
        Assert.Equal(["letter"], found.Drops());
    }

    [Fact]
    public async Task Expiry_PointsAndTokens_EachInItsTime()
    {
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        await using var server = await RelayServer.StartAsync(
            settings =>
            {
                settings.Rendezvous.HourlyTokenLifetime = TimeSpan.FromMinutes(1);
                settings.Rendezvous.DailyPointLifetime = TimeSpan.FromMinutes(2);
                settings.Rendezvous.CleanupInterval = TimeSpan.FromMinutes(10);
                settings.Sessions.SilenceTimeout = TimeSpan.FromHours(1);
            },
            time);
        await using var a = await TestClient.RegisterAsync(server, "AAAAAA");
        await using var b = await TestClient.RegisterAsync(server, "BBBBBB");
        await a.MeetAsync(All);
        time.Advance(TimeSpan.FromMinutes(1) - TimeSpan.FromMilliseconds(1));
        Assert.Equal(["AAAAAA"], (await b.MeetAsync(Ask)).Matches());
        await a.ExpectAsync("rendezvous_match");
        time.Advance(TimeSpan.FromMilliseconds(1));
        Assert.Empty((await b.MeetAsync(Ask)).Matches());
        time.Advance(TimeSpan.FromMinutes(1) - TimeSpan.FromMilliseconds(1));
        Assert.Equal(["letter"], (await b.MeetAsync(Ask)).Drops());
        time.Advance(TimeSpan.FromMilliseconds(1));
        Assert.Empty((await b.MeetAsync(Ask)).Drops());

        // Found by nobody already; the sweep gives the room back.
        Assert.Equal((2, 2), await RowsAsync(server));
        time.Advance(TimeSpan.FromMinutes(8));
        await Eventually.TrueAsync(async () => (await RowsAsync(server)) == (0, 0), "all is swept");
    }

    /// <summary>Sessions are numbered anew in each process: what a killed one has left must not be taken for theirs.</summary>
    [Fact]
    public async Task Restart_AnyWay_KeepsPointsAndNoTokens()
    {
        TestStorage.SkipUnlessFile();
        var folder = Directory.CreateTempSubdirectory("relay-test-").FullName;
        void Configure(Relay.Configuration.RelaySettings settings) => settings.Storage.File = Path.Combine(folder, "relay.db");
        await using (var server = await RelayServer.StartAsync(Configure))
        {
            await using var a = await TestClient.RegisterAsync(server, "AAAAAA");
            await a.MeetAsync(All);
        }

        using (var beside = new SqliteConnection($"Data Source={Path.Combine(folder, "relay.db")};Pooling=false"))
        {
            beside.Open();
            Do(beside, "INSERT INTO meeting_points SELECT 1, 't', 'AAAAAA', max(name_key), max(address), '', '', 1, max(written) + 1, max(expires_at) FROM meeting_points");
        }

        await using (var server = await RelayServer.StartAsync(Configure))
        {
            Assert.Equal((1, 0), await RowsAsync(server));
            await using var a = await TestClient.RegisterAsync(server, "AAAAAA");
            Assert.Equal(1, SessionOf(server, "AAAAAA"));
            await using var b = await TestClient.RegisterAsync(server, "BBBBBB");
            var found = await b.MeetAsync(Ask);
            Assert.Empty(found.Matches());
            Assert.Equal(["letter"], found.Drops());
        }

        Directory.Delete(folder, recursive: true);
    }

    /// <summary>Rows are bounded, those of one peer and those of all.</summary>
    [Theory]
    [InlineData(100, 1000)]
    [InlineData(100, 100)]
    public async Task Register_OverTheCap_ReplacesTheOldest(int perIdentity, int inAll)
    {
        await using var server = await RelayServer.StartAsync(settings => (settings.Rendezvous.RowsPerIdentity, settings.Rendezvous.MaxRows) = (perIdentity, inAll));
        await using var a = await TestClient.RegisterAsync(server, "AAAAAA");
        await using var b = await TestClient.RegisterAsync(server, "BBBBBB");
        await a.MeetAsync($"'dailyPoints':{Points(0, 50)},'deadDrop':'d'");
        await a.MeetAsync($"'dailyPoints':{Points(50, 20)},'hourlyTokens':{Points(0, 30)},'deadDrop':'d'");
        Assert.Equal((70, 30), await RowsAsync(server));

        // The first two again are the newest then, and the next eight replace others.
        await a.MeetAsync($"'dailyPoints':{Points(0, 2)},'deadDrop':'d'");
        await a.MeetAsync($"'dailyPoints':{Points(70, 8)},'deadDrop':'d'");
        Assert.Equal((70, 30), await RowsAsync(server));
        Assert.Equal(2, (await b.MeetAsync($"'dailyPoints':{Points(0, 10)}")).Drops().Length);

        // Where that is the limit of all, the ten rows of the asker have replaced ten.
        Assert.Equal(inAll == 100 ? 30 : 40, (await b.MeetAsync($"'dailyPoints':{Points(10, 40)}")).Drops().Length);
    }

    /// <summary>The disk is waited for without a thread, and only by those who asked.</summary>
    [Fact]
    public async Task Register_DiskStalls_OthersGoOnAndItsOwnOrderStands()
    {
        TestCluster.SkipWhereSpread("its own writes to the database wait");
        await using var server = await RelayServer.StartAsync(settings => settings.Admission.PerIp = 100);
        var waiting = new List<TestClient>();
        await using var other = await TestClient.RegisterAsync(server, "ZZZZZZ");
        using (var disk = await Stall.BeginAsync(server))
        {
            foreach (var last in "ABCDEFGHJKLMNPQRSTUVWXYZ23456789")
            {
                var client = await TestClient.RegisterAsync(server, $"AAAAA{last}");
                waiting.Add(client);
                await client.PutAsync(Ask);
                await client.SendAsync("""{"type":"ping"}""");
            }

            await Eventually.TrueAsync(() => server.Get<Database>().Waiting == waiting.Count, "all wait");
            await other.ExpectNothingAsync();
            Assert.Equal(waiting.Count, server.Get<Database>().Waiting);
        }

        foreach (var client in waiting)
        {
            // Those who came first are told of those who came later, in between.
            while (await client.ReceiveTextAsync() is var text && !text.Contains("rendezvous_result", StringComparison.Ordinal))
            {
                Assert.Contains("rendezvous_match", text, StringComparison.Ordinal);
            }

            while (await client.ReceiveTextAsync() is var text && !text.Contains("pong", StringComparison.Ordinal))
            {
                Assert.Contains("rendezvous_match", text, StringComparison.Ordinal);
            }

            await client.DisposeAsync();
        }
    }

    [Fact]
    public async Task Register_DiskFull_IsAnErrorAndTheSocketStays()
    {
        TestStorage.SkipUnlessFile();
        await using var server = await RelayServer.StartAsync();
        server.ExpectedError = error => error.StartsWith("The database failed 1 pieces of work", StringComparison.Ordinal);
        await using var a = await TestClient.RegisterAsync(server, "AAAAAA");
        await server.Get<Database>().RunAsync(connection => Do(connection, "PRAGMA max_page_count = 1"));
        var letter = new string('x', 4096);
        await a.PutAsync($"'dailyPoints':{Points(0, 50)},'deadDrop':'{letter}'");
        await a.ExpectErrorAsync("Internal server error");
        Assert.Equal((0, 0), await RowsAsync(server));

        await server.Get<Database>().RunAsync(connection => Do(connection, "PRAGMA max_page_count = 100000"));
        await a.MeetAsync($"'dailyPoints':{Points(0, 50)},'deadDrop':'{letter}'");
        Assert.Equal((50, 0), await RowsAsync(server));
    }

    private static string Points(int from, int count) => $"[{string.Join(',', Enumerable.Range(from, count).Select(number => $"'p{number}'"))}]";

    private static async Task<(long Points, long Tokens)> RowsAsync(RelayServer server) =>
        await server.MeetingsAsync() is var counts ? (counts.DailyPoints, counts.HourlyTokens) : default;

    private static Task TokensAsync(RelayServer server, int count) =>
        Eventually.TrueAsync(async () => (await RowsAsync(server)).Tokens == count, $"{count} tokens are left");

    /// <summary>What rows count against is on the disk as pseudonyms: neither who wrote them nor with which key.</summary>
    [Fact]
    public async Task Rows_OnTheDisk_NameNoAddressAndNoKey()
    {
        TestStorage.SkipUnlessFile();
        await using var server = await RelayServer.StartAsync();
        await using var client = await TestClient.RegisterAsync(server, "AAAAAA", "127.0.0.77");
        await client.MeetAsync("'dailyPoints':['p'],'deadDrops':{'p':'letter'}");
        await using var source = await TestClient.RegisterAsync(server, "BBBBBB", "127.0.0.77");
        await source.OwnAsync("news");
        await source.PushedAsync("a", "1");

        using var beside = new SqliteConnection($"Data Source={server.Settings.Storage.File};Pooling=false;Mode=ReadOnly");
        beside.Open();
        using var command = beside.CreateCommand();
        command.CommandText = "SELECT name_key, address FROM meeting_points UNION ALL SELECT '', address FROM chunk_cache";
        using var rows = command.ExecuteReader();
        var found = new List<(string Key, string Address)>();
        while (rows.Read())
        {
            found.Add((rows.GetString(0), rows.GetString(1)));
        }

        // The same address has the same one in both tables.
        Assert.Equal(2, found.Count);
        Assert.Equal(found[0].Address, found[1].Address);
        Assert.All(found, row => Assert.DoesNotContain("127.0.0", row.Address, StringComparison.Ordinal));
        Assert.All(found, row => Assert.DoesNotContain(TestClient.Key("AAAAAA")[..20], row.Key, StringComparison.Ordinal));
    }

    private static long SessionOf(RelayServer server, string code)
    {
        Assert.True(server.Get<ClientDirectory>().TryFindCode(code, out var client));
        return client.Session.Id;
    }

    private static int Do(DbConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        return command.ExecuteNonQuery();
    }

    /// <summary>A disk that does not answer.</summary>
    private sealed class Stall : IDisposable
    {
        private readonly ManualResetEventSlim _end = new();

        public static async Task<Stall> BeginAsync(RelayServer server)
        {
            var stall = new Stall();
            var begun = new TaskCompletionSource();
            _ = server.Get<Database>().RunAsync(_ =>
            {
                begun.SetResult();
                return stall._end.Wait(TestClient.Timeout);
            });
            await begun.Task.WaitAsync(TestClient.Timeout);
            return stall;
        }

        public void End() => _end.Set();

        public void Dispose() => End();
    }
}
