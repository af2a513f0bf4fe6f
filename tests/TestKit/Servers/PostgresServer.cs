using System.Diagnostics;
using System.Globalization;
using Npgsql;

[assembly: AssemblyFixture(typeof(Relay.TestKit.SharedPostgres))]

namespace Relay.TestKit;

/// <summary>
/// A PostgreSQL server of the tests' own: in a temporary folder, reached through a Unix socket in it, without a service manager. It ends with
/// the test process, however that ends.
/// </summary>
internal sealed class PostgresServer : IAsyncDisposable
{
    /// <summary>A user whom the server asks for this password.</summary>
    public const string LockedUser = "locked", LockedPassword = "c0rrect;horse'";

    // postgres refuses root.
    private const string Nobody = "65534";

    private static readonly string? Programs = Find();

    private readonly string _folder = Directory.CreateTempSubdirectory("relay-pg-").FullName;
    private readonly GuardedProcess _process;
    private int _databases;

    private PostgresServer() => _process = new GuardedProcess(
        "QUIT",
        [
            .. AsNobody("postgres"), "-D", Data, "-c", "listen_addresses=", "-c", $"unix_socket_directories={_folder}",
            "-c", "fsync=off", "-c", "shared_buffers=32MB", "-c", "max_connections=200",
        ]);

    private string Data => Path.Combine(_folder, "data");

    /// <summary>Skips the test where there is no server; fails it in CI, where there must be one.</summary>
    public static void SkipWhereMissing() => GuardedProcess.SkipWhereMissing(Programs, "PostgreSQL server");

    public static async Task<PostgresServer> StartAsync()
    {
        SkipWhereMissing();
        var server = new PostgresServer();
        await server.InitializeAsync();
        await server.RestartAsync();
        await server.ExecuteAsync($"CREATE ROLE {LockedUser} LOGIN PASSWORD '{LockedPassword.Replace("'", "''", StringComparison.Ordinal)}'");
        return server;
    }

    public string Connection(string database, string user = "postgres") => $"Host={_folder};Database={database};Username={user}";

    /// <summary>The server's socket.</summary>
    public string SocketPath => Path.Combine(_folder, ".s.PGSQL.5432");

    /// <summary>A new empty database; its connection string.</summary>
    public async Task<string> CreateDatabaseAsync(string options = "")
    {
        var name = $"test{Interlocked.Increment(ref _databases)}";
        await ExecuteAsync($"CREATE DATABASE {name} {options}");
        return Connection(name);
    }

    public async Task ExecuteAsync(string sql, string database = "postgres")
    {
        await using var connection = await OpenAsync(Connection(database));
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync();
    }

    public static async Task<NpgsqlConnection> OpenAsync(string connectionString)
    {
        var connection = new NpgsqlConnection($"{connectionString};Pooling=false");
        await connection.OpenAsync();
        return connection;
    }

    /// <summary>SIGKILL to the postmaster; its children notice and end.</summary>
    public Task KillAsync() => _process.KillAsync();

    /// <summary>Sends the postmaster a signal.</summary>
    public Task SignalAsync(string signal) => _process.SignalAsync(signal);

    /// <summary>Starts the server, also again after it was killed, and waits until it answers.</summary>
    public async Task RestartAsync()
    {
        using var patience = new CancellationTokenSource(GuardedProcess.Patience);
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
        while (true)
        {
            await _process.EnsureStartedAsync();
            try
            {
                await using var connection = await OpenAsync(Connection("postgres"));
                return;
            }
            catch (NpgsqlException)
            {
                // Not up yet; or killed before, and children of the former server are still there.
                await timer.WaitForNextTickAsync(patience.Token);
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _process.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    private async Task InitializeAsync()
    {
        if (Environment.IsPrivilegedProcess)
        {
            await RunAsync("chown", Nobody, _folder);
        }

        await RunAsync([.. AsNobody("initdb"), "-D", Data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"]);
        await File.WriteAllTextAsync(Path.Combine(Data, "pg_hba.conf"), $"local all {LockedUser} scram-sha-256\nlocal all all trust\n");
    }

    private static string[] AsNobody(string program)
    {
        var path = Path.Combine(Programs!, program);
        return Environment.IsPrivilegedProcess ? ["setpriv", $"--reuid={Nobody}", $"--regid={Nobody}", "--clear-groups", path] : [path];
    }

    private static async Task RunAsync(params string[] command)
    {
        using var process = Process.Start(new ProcessStartInfo(command[0], command[1..]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var output = process.StandardOutput.ReadToEndAsync();
        var error = await process.StandardError.ReadToEndAsync().WaitAsync(GuardedProcess.Patience);
        await process.WaitForExitAsync().WaitAsync(GuardedProcess.Patience);
        Assert.True(process.ExitCode == 0, $"{string.Join(' ', command)}: {await output} {error}");
    }

    // Debian's packages keep the server's programs out of the PATH, in a folder of each version.
    private static string? Find()
    {
        const string Packages = "/usr/lib/postgresql";
        var versions = Directory.Exists(Packages)
            ? Directory.GetDirectories(Packages).OrderByDescending(folder => int.TryParse(Path.GetFileName(folder), CultureInfo.InvariantCulture, out var version) ? version : 0)
            : Enumerable.Empty<string>();
        return versions.Select(folder => Path.Combine(folder, "bin"))
            .Concat((Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator))
            .FirstOrDefault(folder => File.Exists(Path.Combine(folder, "postgres")) && File.Exists(Path.Combine(folder, "initdb")));
    }
}

/// <summary>The server of a test assembly, started by the first test that wants it. Tests that harm a server start their own.</summary>
public sealed class SharedPostgres : IAsyncDisposable
{
    private static readonly Lazy<Task<PostgresServer>> Server = new(PostgresServer.StartAsync);

    internal static Task<PostgresServer> GetAsync()
    {
        PostgresServer.SkipWhereMissing();
        return Server.Value;
    }

    public async ValueTask DisposeAsync()
    {
        if (Server.IsValueCreated)
        {
            await (await Server.Value).DisposeAsync();
        }
    }
}
