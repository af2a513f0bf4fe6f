using Relay.AdminCli;

namespace AdminCli.Tests.Support;

/// <summary>relayctl run as somebody else, from a copy that they may read.</summary>
internal sealed class OtherUser : IDisposable
{
    private readonly TempFolder _program = new();

    private OtherUser()
    {
    }

    /// <summary>Skips the test where nobody can become somebody else.</summary>
    public static async Task<OtherUser> PrepareAsync()
    {
        Assert.SkipUnless(LibC.EffectiveUserId == 0 && File.Exists("/usr/bin/setpriv"), "SKIPPED: only root can become somebody who may not (with util-linux `setpriv`).");
        var user = new OtherUser();
        // The build output's folders may be closed to them.
        var copied = await ChildProcess.BashAsync($"cp -r {AppContext.BaseDirectory}/* {user._program.FullName} && chmod -R a+rX {user._program.FullName}");
        Assert.True(copied.ExitCode == 0, copied.Error);
        return user;
    }

    public Task<CliResult> RunAsync(int userId, int groupId, string groups, params string[] args) => ChildProcess.RunAsync(
        "/usr/bin/setpriv",
        [$"--reuid={userId}", $"--regid={groupId}", groups.Length == 0 ? "--clear-groups" : $"--groups={groups}", $"{_program.FullName}/relayctl", .. args]);

    public void Dispose() => _program.Dispose();
}
