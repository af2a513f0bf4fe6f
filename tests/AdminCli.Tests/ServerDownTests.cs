using System.Net;
using System.Net.Sockets;
using System.Text;
using AdminCli.Tests.Support;
using Relay.AdminCli;

namespace AdminCli.Tests;

/// <summary>No relay behind the address: exit code 3 and what to do.</summary>
public sealed class ServerDownTests
{
    public static TheoryData<string> ServerCommands => ["stats", "stats --watch", "top --once", "ips", "limits", "set-limit --per-ip 50", "peers", "verify", "health", "audit", "audit --follow", "token list", "token create --name x --role read", "token revoke 1a2b3c4d", "relays", "channels", "confirm", "limits history", "limits reset per-ip", "overrides", "ban 203.0.113.7", "bans", "explain 203.0.113.7", "tail", "events", "events --follow", "connections", "connections --watch", "disconnect --id 1", "drain", "drain --cancel", "upgrade", "reload", "config show", "federation members", "federation ring", "federation owner ABCDEF", "federation blocked", "federation block ed25519:x", "federation unblock ed25519:x", "federation forget ed25519:x"];

    [Theory]
    [MemberData(nameof(ServerCommands))]
    public async Task Run_NoSuchSocket_SaysSo(string line)
    {
        var result = await new Cli().RunLineAsync($"{line} --server unix:/nowhere/admin.sock");
        Assert.Equal(ExitCodes.Unreachable, result.ExitCode);
        Assert.Equal("Cannot reach the relay at unix:/nowhere/admin.sock: no such file. Is relayd running? Start it, or give its socket with --server or RELAY_ADMIN.\n", result.Error);
        Assert.Empty(result.Output);
    }

    [Theory]
    [MemberData(nameof(ServerCommands))]
    public async Task Run_NothingAnywhere_ListsTheUsualPlaces(string line)
    {
        Assert.SkipWhen(File.Exists("/run/relay/admin.sock") || File.Exists($"/tmp/relay-{LibC.EffectiveUserId}/admin.sock"), "SKIPPED: a relay of this machine is in one of the usual places.");
        var result = await new Cli { Environment = { ["XDG_RUNTIME_DIR"] = "/nowhere" } }.RunLineAsync(line);
        Assert.Equal(ExitCodes.Unreachable, result.ExitCode);
        Assert.StartsWith($"Cannot find a relay: no admin socket at /nowhere/relay/admin.sock, /run/relay/admin.sock, /tmp/relay-{LibC.EffectiveUserId}/admin.sock.\n", result.Error);
    }

    [Fact]
    public async Task Run_StaleSocket_SaysThatNobodyListens()
    {
        using var folder = new TempFolder();
        using (var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified))
        {
            // Linked once more, the file stays when the socket closes: what a killed relayd leaves.
            socket.Bind(new UnixDomainSocketEndPoint(folder["bound.sock"]));
            var linked = await ChildProcess.RunAsync("ln", [folder["bound.sock"], folder["admin.sock"]]);
            Assert.Equal(0, linked.ExitCode);
        }

        var result = await Cli.For(folder["admin.sock"]).RunAsync("stats");
        Assert.Equal(ExitCodes.Unreachable, result.ExitCode);
        Assert.Equal($"Cannot reach the relay at unix:{folder["admin.sock"]}: connection refused. The socket file is stale: no relayd is listening on it. Start relayd, which replaces it.\n", result.Error);
    }

    [Fact]
    public async Task Run_PlainFile_SaysThatItIsNoSocket()
    {
        using var folder = new TempFolder();
        await File.WriteAllTextAsync(folder["file"], "", TestContext.Current.CancellationToken);
        var result = await Cli.For(folder["file"]).RunAsync("stats");
        Assert.Equal(ExitCodes.Unreachable, result.ExitCode);
        Assert.Contains("that file is not a socket.", result.Error);
    }

    [Theory]
    [InlineData("0660", ", or have yourself added to group root")]
    [InlineData("0600", "")]
    public async Task Run_SocketOfAnotherUser_SaysWhoseItIs(string mode, string byGroup)
    {
        using var folder = new TempFolder();
        using var impostor = new SocketImpostor(folder["admin.sock"], null);
        var changed = await ChildProcess.RunAsync("chmod", [mode, folder["admin.sock"]]);
        Assert.Equal(0, changed.ExitCode);
        var result = await RunAsNobodyAsync(folder, "711");
        Assert.Equal(
            $"Cannot reach the relay at unix:{folder["admin.sock"]}: permission denied. The socket belongs to user root and group root (mode {mode}).\n"
            + $"Run relayctl as root or with sudo{byGroup}.\n",
            result.Error);
        Assert.Equal(ExitCodes.Unreachable, result.ExitCode);
    }

    [Fact]
    public async Task Run_FolderOfAnotherUser_SaysThatItIsClosed()
    {
        using var folder = new TempFolder();
        using var impostor = new SocketImpostor(folder["admin.sock"], null);
        var result = await RunAsNobodyAsync(folder, "700");
        Assert.Equal(
            $"Cannot reach the relay at unix:{folder["admin.sock"]}: permission denied: a folder on its path is closed to you. Run relayctl as relayd's user or with sudo.\n",
            result.Error);
        Assert.Equal(ExitCodes.Unreachable, result.ExitCode);
    }

    [Theory]
    [InlineData("stats")]
    [InlineData("stats --watch")]
    [InlineData("tail")]
    [InlineData("events")]
    [InlineData("tail --refused -o jsonl")]
    [InlineData("connections --watch")]
    [InlineData("events --follow")]
    [InlineData("audit --follow")]
    [InlineData("drain --cancel")]
    [InlineData("explain 203.0.113.7")]
    public async Task Run_ServerThatNeverAnswers_GivesUpAfterTheTimeout(string line)
    {
        using var folder = new TempFolder();
        using var impostor = new SocketImpostor(folder["admin.sock"], null);
        var result = await Cli.For(folder["admin.sock"]).RunLineAsync($"{line} --timeout 1s");
        Assert.Equal(ExitCodes.Unreachable, result.ExitCode);
        Assert.Equal(
            $"The relay at unix:{folder["admin.sock"]} did not answer within 1 s. It may be overloaded; --timeout waits longer.\nWhether the call took effect is not known.\n",
            result.Error);
    }

    [Theory]
    [InlineData("")]
    [InlineData("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")]
    [InlineData("SSH-2.0-OpenSSH_9.2\r\n")]
    public async Task Run_SomethingElseOnTheSocket_IsNotTakenForARelay(string greeting)
    {
        using var folder = new TempFolder();
        using var impostor = new SocketImpostor(folder["admin.sock"], Encoding.ASCII.GetBytes(greeting));
        var result = await Cli.For(folder["admin.sock"]).RunAsync("stats");
        Assert.Equal(ExitCodes.Unreachable, result.ExitCode);
        Assert.Matches("the connection broke|the server there does not speak gRPC", result.Error);
        Assert.Single(result.ErrorLines);
    }

    [Fact]
    public async Task Run_ClosedTcpPort_SaysConnectionRefused()
    {
        using var closed = ClosedPort(out var port);
        var result = await Cli.For($"http://127.0.0.1:{port}").RunAsync("stats");
        Assert.Equal(ExitCodes.Unreachable, result.ExitCode);
        Assert.Contains(": connection refused: nothing is listening there.", result.Error);
    }

    [Fact]
    public async Task Run_UnknownHost_SaysSo()
    {
        var result = await Cli.For("http://relay.invalid:9001").RunAsync("stats");
        Assert.Equal(ExitCodes.Unreachable, result.ExitCode);
        Assert.StartsWith("Cannot reach the relay at http://relay.invalid:9001: ", result.Error);
    }

    [Fact]
    public async Task Run_ProxyInTheEnvironment_IsNotUsed()
    {
        using var folder = new TempFolder();
        using var impostor = new SocketImpostor(folder["admin.sock"], null);
        using var closed = ClosedPort(out var port);
        var proxy = $"http://127.0.0.1:{port}";
        var result = await ChildProcess.RunAsync(ChildProcess.Relayctl, ["stats", "--server", folder["admin.sock"], "--timeout", "1s"], ("http_proxy", proxy), ("all_proxy", proxy));
        Assert.Contains("did not answer within 1 s", result.Error);
    }

    private static async Task<CliResult> RunAsNobodyAsync(TempFolder folder, string folderMode)
    {
        using var nobody = await OtherUser.PrepareAsync();
        var changed = await ChildProcess.RunAsync("chmod", [folderMode, folder.FullName]);
        Assert.Equal(0, changed.ExitCode);
        return await nobody.RunAsync(65534, 65534, "", "stats", "--server", folder["admin.sock"]);
    }

    // Bound and not listening: nobody else, such as a relay of another test, can come to listen there meanwhile.
    private static Socket ClosedPort(out int port)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        port = ((IPEndPoint)socket.LocalEndPoint!).Port;
        return socket;
    }
}
