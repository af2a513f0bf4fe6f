using System.Diagnostics;
using System.Net.Sockets;
using Relay.AdminAuth;
using Relay.Native;

namespace Server.Tests.AdminAuth;

public sealed class AdminSocketTests : IDisposable
{
    private const UnixFileMode OwnerAndGroup =
        UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.GroupWrite;

    private readonly string _folder = Directory.CreateTempSubdirectory("relay-test-").FullName;
    private readonly AdminSocket _socket = new();

    private string SocketPath => Path.Combine(_folder, "relay", "admin.sock");

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Bind_NoFolderYet_MakesBothForOwnerAndGroup()
    {
        using var bound = Bind();

        Assert.Equal(OwnerAndGroup, File.GetUnixFileMode(SocketPath));
        Assert.Equal(UnixFileMode.None, File.GetUnixFileMode(Path.GetDirectoryName(SocketPath)!) & (UnixFileMode.OtherRead | UnixFileMode.OtherWrite | UnixFileMode.OtherExecute));
        Assert.Equal(SocketPath, $"{bound.LocalEndPoint}");
    }

    // The mask of the process is as it was.
    [Fact]
    public void Bind_Afterwards_FilesAreMadeAsBefore()
    {
        var before = ModeOfNewFile("before");
        using var bound = Bind();

        Assert.Equal(before, ModeOfNewFile("after"));
    }

    [Fact]
    public async Task Bind_Listening_Answers()
    {
        using var bound = Bind();
        bound.Listen(1);
        using var client = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await client.ConnectAsync(new UnixDomainSocketEndPoint(SocketPath), Cancel);
        using var accepted = await bound.AcceptAsync(Cancel);

        Assert.True(accepted.Connected);
    }

    [Theory]
    [InlineData("relay", "")]
    [InlineData("link", "relay")]
    [InlineData("relay", "link")]
    public async Task Bind_FolderOfAnotherUser_IsRefused(string foreign, string through)
    {
        Assert.SkipUnless(CurrentUser.Id() == 0, "SKIPPED: only root can make a folder that belongs to somebody else.");
        var folder = Directory.CreateDirectory(Path.Combine(_folder, "relay")).FullName;
        var link = Path.Combine(_folder, "link");
        File.CreateSymbolicLink(link, folder);
        using var changed = Process.Start("chown", ["-h", "12345", Path.Combine(_folder, foreign)]);
        await changed.WaitForExitAsync(Cancel);
        var used = foreign == "link" || through == "link" ? link : folder;

        var refused = Assert.Throws<IOException>(() => _socket.Bind(new UnixDomainSocketEndPoint(Path.Combine(used, "admin.sock"))));
        Assert.Equal(
            $"{used} belongs to user 12345, who could replace the admin socket; chown it to the user that runs relayd, or name a socket in another folder with Admin:Socket",
            refused.Message);
        Assert.Empty(Directory.GetFileSystemEntries(folder));
    }

    [Fact]
    public void Bind_FolderThatEverybodyMayWriteTo_IsRefused()
    {
        var folder = Directory.CreateDirectory(Path.Combine(_folder, "relay")).FullName;
        File.SetUnixFileMode(folder, (UnixFileMode)0b111_111_111);

        Assert.Contains("is writable by every user", Assert.Throws<IOException>(Bind).Message);
    }

    [Theory]
    [InlineData("file")]
    [InlineData("folder")]
    [InlineData("link to a file")]
    [InlineData("link to nothing")]
    [InlineData("link to a socket")]
    public void Bind_PathIsNoSocket_IsRefusedAndLeftAlone(string what)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(SocketPath)!);
        var target = Path.Combine(_folder, "precious");
        Make(what, target);

        Assert.Equal($"{SocketPath} exists and is not a socket; move it away, or name another path in Admin:Socket", Assert.Throws<IOException>(Bind).Message);
        Assert.Equal((what != "folder", what == "folder"), (File.Exists(SocketPath), Directory.Exists(SocketPath)));
        Assert.Equal(what.StartsWith("link", StringComparison.Ordinal), new FileInfo(SocketPath).LinkTarget is not null);
    }

    [Fact]
    public void Bind_SocketOfADeadProcess_IsReplaced()
    {
        Bind().Dispose();
        Assert.True(File.Exists(SocketPath), "closing it leaves the file");
        using var again = Bind();

        Assert.Equal(OwnerAndGroup, File.GetUnixFileMode(SocketPath));
    }

    [Fact]
    public void Remove_OwnSocket_IsGone()
    {
        using (Bind())
        {
        }

        _socket.Remove();
        _socket.Remove();
        Assert.False(File.Exists(SocketPath));
    }

    [Fact]
    public void Remove_NeverBound_DoesNothing() => _socket.Remove();

    // Also not by closing the socket, which .NET takes for a reason to delete what has the path then.
    [Theory]
    [InlineData("file")]
    [InlineData("folder")]
    [InlineData("link to a file")]
    [InlineData("another socket")]
    public void Remove_SomethingElseHasTheName_IsLeftAlone(string what)
    {
        var target = Path.Combine(_folder, "precious");
        using (Bind())
        {
            File.Move(SocketPath, SocketPath + ".old");
            Make(what, target);
        }

        _socket.Remove();
        Assert.True(File.Exists(SocketPath) || Directory.Exists(SocketPath), "it is still there");
        Assert.Equal(what == "link to a file", File.Exists(target));
    }

    private Socket Bind() => _socket.Bind(new UnixDomainSocketEndPoint(SocketPath));

    private UnixFileMode ModeOfNewFile(string name)
    {
        var path = Path.Combine(_folder, name);
        File.WriteAllText(path, "");
        return File.GetUnixFileMode(path);
    }

    private void Make(string what, string target)
    {
        switch (what)
        {
            case "file":
                File.WriteAllText(SocketPath, "precious");
                break;
            case "folder":
                Directory.CreateDirectory(SocketPath);
                break;
            case "another socket":
                UnixSocketFile.Bind(new UnixDomainSocketEndPoint(SocketPath)).Dispose();
                break;
            default:
                if (what == "link to a file")
                {
                    File.WriteAllText(target, "precious");
                }
                else if (what == "link to a socket")
                {
                    UnixSocketFile.Bind(new UnixDomainSocketEndPoint(target)).Dispose();
                }

                File.CreateSymbolicLink(SocketPath, target);
                break;
        }
    }
}
