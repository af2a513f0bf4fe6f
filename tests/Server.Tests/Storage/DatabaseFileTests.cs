using System.Text;
using Microsoft.Data.Sqlite;
using Relay.Storage;

namespace Server.Tests.Storage;

/// <summary>What may be wrong with the file at the start. The start then fails with a sentence, and the file stays as it was.</summary>
public sealed class DatabaseFileTests : IDisposable
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private readonly string _folder = Directory.CreateTempSubdirectory("relay-storage-").FullName;

    private string Database => Path.Combine(_folder, "data", "relay.db");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Open_NoFile_MakesOneForTheOwnerOnly()
    {
        using var file = Open();

        Assert.Equal(OwnerOnly | UnixFileMode.UserExecute, File.GetUnixFileMode(Path.GetDirectoryName(Database)!));
        Assert.Equal(
            ["relay.db", "relay.db-lock", "relay.db-shm", "relay.db-wal"],
            Directory.GetFiles(Path.GetDirectoryName(Database)!).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        Assert.All(Directory.GetFiles(Path.GetDirectoryName(Database)!), path => Assert.Equal(OwnerOnly, File.GetUnixFileMode(path)));
    }

    [Fact]
    public void Open_EmptyFile_IsANewDatabase()
    {
        Write([]);
        using var file = Open();

        Assert.Equal(Migrations.Embedded[^1].Version, Migrations.Version(file.Connection));
    }

    [Fact]
    public void Open_InUse_IsRefusedAndTheFirstGoesOn()
    {
        using (var first = Open())
        {
            var message = AssertRefused();
            Assert.Contains("used by another process, most likely another relayd", message, StringComparison.Ordinal);
            Assert.DoesNotContain("backup", message, StringComparison.Ordinal);
            Assert.Equal(1, TestDatabase.Do(first.Connection, "INSERT INTO schema_version VALUES (0, 0)"));
        }

        Open().Dispose();
    }

    [Theory]
    [InlineData("{ \"Storage\": {} }")]
    [InlineData("SQLite format 3\0 and no more")]
    public void Open_NoDatabase_IsRefused(string content)
    {
        Write(Encoding.ASCII.GetBytes(content));

        AssertRefused();
        Assert.Equal(content, File.ReadAllText(Database));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(5)]
    [InlineData(-1)]
    public void Open_PageDamaged_IsRefused(int page)
    {
        Make("CREATE TABLE t (text TEXT); INSERT INTO t SELECT hex(randomblob(1000)) FROM schema_version, sqlite_master, sqlite_master");
        using (var file = new FileStream(Database, FileMode.Open))
        {
            file.Position = page > 0 ? page * 4096 : file.Length - 4096;
            file.Write(Enumerable.Repeat((byte)0xA5, 3000).ToArray());
        }

        Assert.Contains("damaged", AssertRefused(), StringComparison.Ordinal);
    }

    [Fact]
    public void Open_CutShort_IsRefused()
    {
        Make("CREATE TABLE t (text TEXT)");
        using (var file = new FileStream(Database, FileMode.Open))
        {
            file.SetLength(file.Length / 4096 / 2 * 4096);
        }

        AssertRefused();
    }

    [Fact]
    public void Open_NewerSchema_IsRefused()
    {
        Make("INSERT INTO schema_version VALUES (999, 0)");

        Assert.Contains("schema version 999 and this program knows", AssertRefused(), StringComparison.Ordinal);
    }

    [Fact]
    public void Open_DatabaseOfAnotherProgram_IsRefused()
    {
        Directory.CreateDirectory(Path.GetDirectoryName(Database)!);
        Beside("CREATE TABLE songs (title TEXT)");

        Assert.Contains("some other program", AssertRefused(), StringComparison.Ordinal);
        Beside("INSERT INTO songs VALUES ('still mine')");
    }

    [Fact]
    public void Open_PathIsAFolder_IsRefused()
    {
        Directory.CreateDirectory(Database);

        AssertRefused();
    }

    [Fact]
    public void Open_FolderIsAFile_IsRefused()
    {
        File.WriteAllText(Path.GetDirectoryName(Database)!, "");

        AssertRefused();
    }

    [Fact]
    public void Open_FolderTakesNoFiles_IsRefused() =>
        Assert.Contains("/proc/relay.db", AssertRefused("/proc/relay.db"), StringComparison.Ordinal);

    [Fact]
    public void Open_FolderReadOnly_IsRefused()
    {
        Assert.SkipWhen(Environment.IsPrivilegedProcess, "root writes everywhere");
        Open().Dispose();
        File.SetUnixFileMode(Path.GetDirectoryName(Database)!, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        try
        {
            AssertRefused();
        }
        finally
        {
            File.SetUnixFileMode(Path.GetDirectoryName(Database)!, OwnerOnly | UnixFileMode.UserExecute);
        }
    }

    /// <summary>The files as a killed process leaves them: what was committed lies in the write-ahead log only.</summary>
    [Fact]
    public void Open_AfterAKill_FindsAllThatWasCommitted()
    {
        var killed = Path.Combine(_folder, "killed", "relay.db");
        Directory.CreateDirectory(Path.GetDirectoryName(killed)!);
        using (var file = Open())
        {
            TestDatabase.Do(file.Connection, "CREATE TABLE t (number INTEGER); INSERT INTO t VALUES (1), (2)");
            TestDatabase.Do(file.Connection, "BEGIN; INSERT INTO t VALUES (3)");
            foreach (var end in new[] { "", "-wal" })
            {
                File.Copy(Database + end, killed + end);
            }
        }

        using var recovered = DatabaseFile.Open(killed, TimeProvider.System);
        Assert.Equal("1 2", TestDatabase.Ask(recovered.Connection, "SELECT group_concat(number, ' ') FROM t"));
    }

    private DatabaseFile Open() => DatabaseFile.Open(Database, TimeProvider.System);

    private void Write(byte[] content)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(Database)!);
        File.WriteAllBytes(Database, content);
    }

    private void Make(string sql)
    {
        using var file = Open();
        TestDatabase.Do(file.Connection, sql);
    }

    private void Beside(string sql)
    {
        using var connection = new SqliteConnection($"Data Source={Database};Pooling=false");
        connection.Open();
        TestDatabase.Do(connection, sql);
    }

    private string AssertRefused(string? path = null)
    {
        path ??= Database;
        var message = Assert.Throws<InvalidDataException>(() => DatabaseFile.Open(path, TimeProvider.System)).Message;
        Assert.StartsWith($"The database '{path}' cannot be used: ", message, StringComparison.Ordinal);
        Assert.Contains("Storage:File", message, StringComparison.Ordinal);
        return message;
    }
}
