using Relay.Storage;
using Relay.TestKit;

namespace Server.Tests.Storage;

/// <summary>What may be wrong with a PostgreSQL database at the start: one sentence that says what to do, without the password.</summary>
public sealed class PostgresStartTests
{
    private const string Secret = "s3cret-word";

    public static TheoryData<string, string> Connections => new()
    {
        { "Host=db;Database=relay;Username=relay;Password=x", "'relay' on db:5432" },
        { "host=db;port=77;database=relay", "'relay' on db:77" },
        { "Server=/run/postgresql;Database=relay", "'relay' on /run/postgresql" },
        { "postgresql://relay:p%40ss@db/relay", "'relay' on db:5432" },
        { "postgres://relay@db:77/relay?sslmode=Require", "'relay' on db:77" },
    };

    public static TheoryData<string> Malformed =>
    [
        $"Host=db;Database=relay;Password={Secret};{Secret}",
        $"Host=db;Database=relay;Password=a;{Secret}=1",
        $"Host=db;Database=relay;Port={Secret}",
        $"{Secret}",
        $"postgresql://relay:{Secret}@",
        $"postgresql://relay:{Secret}@db:notaport/relay",
        $"postgresql://relay:{Secret}@db/relay?{Secret}=1",
        $"postgresql://relay:{Secret}@db",
        $"Host=db;Password={Secret}",
        $"Database=relay;Password={Secret}",
    ];

    [Theory]
    [MemberData(nameof(Connections))]
    public void Parse_GoodOne_IsNamedWithoutItsPassword(string connection, string name)
    {
        Assert.Null(PostgresTarget.ErrorIn(connection));
        Assert.Equal(name, PostgresTarget.Parse(connection).Name);
    }

    [Fact]
    public void Parse_Uri_KeepsPasswordAndOptions()
    {
        var target = PostgresTarget.Parse("postgresql://re%3Alay:p%40s%3Bs%27@db:77/the%20db?sslmode=Require");

        Assert.Equal(("re:lay", "the db"), (target.User, target.Database));
        Assert.Contains("Password=\"p@s;s'\"", target.ConnectionString, StringComparison.Ordinal);
        Assert.Contains("SSL Mode=Require", target.ConnectionString, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Malformed))]
    public void ErrorIn_BadOne_SaysWhatToWriteAndRepeatsNothing(string connection)
    {
        var error = PostgresTarget.ErrorIn(connection);

        Assert.NotNull(error);
        Assert.DoesNotContain(Secret, error, StringComparison.Ordinal);
        Assert.DoesNotContain(Secret, Assert.Throws<FormatException>(() => PostgresTarget.Parse(connection)).ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Open_NoServer_IsRefused()
    {
        var message = await AssertRefusedAsync($"Host=127.0.0.1;Port=1;Database=relay;Username=relay;Password={Secret}");

        Assert.StartsWith("The database 'relay' on 127.0.0.1:1 cannot be used: the server cannot be reached: Connection refused.", message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Open_NoSocket_IsRefused() =>
        Assert.Contains("the server cannot be reached: ", await AssertRefusedAsync("Host=/nowhere;Database=relay;Username=relay"), StringComparison.Ordinal);

    [Fact]
    public async Task Open_WrongPassword_IsRefused()
    {
        var server = await SharedPostgres.GetAsync();

        Assert.Contains(
            "the server refuses the password of user 'locked'. Correct the password.",
            await AssertRefusedAsync($"{server.Connection("postgres", PostgresServer.LockedUser)};Password={Secret}"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Open_NoPassword_IsRefused()
    {
        var server = await SharedPostgres.GetAsync();

        Assert.Contains("password", await AssertRefusedAsync(server.Connection("postgres", PostgresServer.LockedUser)), StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task Open_NoSuchUser_IsRefused() => Assert.Contains(
        "refuses user 'nobody-i-know'",
        await AssertRefusedAsync((await SharedPostgres.GetAsync()).Connection("postgres", "nobody-i-know")), StringComparison.Ordinal);

    [Fact]
    public async Task Open_NoSuchDatabase_IsRefused() => Assert.Contains(
        "the server has no such database. Create it: CREATE DATABASE nowhere OWNER postgres.",
        await AssertRefusedAsync((await SharedPostgres.GetAsync()).Connection("nowhere")), StringComparison.Ordinal);

    [Fact]
    public async Task Open_NoRightToMakeTables_IsRefused()
    {
        var server = await SharedPostgres.GetAsync();
        var connection = await server.CreateDatabaseAsync();
        var message = await AssertRefusedAsync(AsLocked(connection));

        Assert.Contains("user 'locked' lacks a right: permission denied for schema public. Make it the owner: ALTER DATABASE", message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Open_NewerSchema_IsRefused()
    {
        var connection = await (await SharedPostgres.GetAsync()).CreateDatabaseAsync();
        await using (var test = await TestDatabase.StartAsync(connection))
        {
            await test.DoAsync("INSERT INTO schema_version VALUES (999, 0)");
        }

        Assert.Contains("schema version 999 and this program knows", await AssertRefusedAsync(connection), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Open_DatabaseOfAnotherProgram_IsRefused()
    {
        var connection = await (await SharedPostgres.GetAsync()).CreateDatabaseAsync();
        await using var beside = await PostgresServer.OpenAsync(connection);
        TestDatabase.Do(beside, "CREATE TABLE songs (title TEXT)");

        Assert.Contains("some other program", await AssertRefusedAsync(connection), StringComparison.Ordinal);
        Assert.Equal(["songs"], Migrations.Tables(beside));
    }

    [Fact]
    public async Task Open_OwnerWithPassword_Works()
    {
        var connection = await (await SharedPostgres.GetAsync()).CreateDatabaseAsync($"OWNER {PostgresServer.LockedUser}");
        await using var test = await TestDatabase.StartAsync(AsLocked(connection));

        Assert.Equal(PostgresServer.LockedUser, await test.AskAsync("SELECT current_user::text"));
        Assert.DoesNotContain(test.Log.Texts, line => line.Contains("c0rrect", StringComparison.Ordinal));
    }

    private static string AsLocked(string connection) =>
        $"{connection.Replace("Username=postgres", $"Username={PostgresServer.LockedUser}", StringComparison.Ordinal)};Password=\"{PostgresServer.LockedPassword}\"";

    private static async Task<string> AssertRefusedAsync(string connection)
    {
        using var database = new Database(new StorageOptions { Connection = connection }, TimeProvider.System, new Support.ListLogger<Database>());
        var refused = await Assert.ThrowsAsync<InvalidDataException>(() => database.StartAsync(TestContext.Current.CancellationToken));
        Assert.Contains("Storage:Connection", refused.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(Secret, refused.ToString(), StringComparison.Ordinal);
        return refused.Message;
    }
}
