using Relay.AdminApi;
using Relay.AdminCli;
using Relay.AdminCli.Commands;

namespace AdminCli.Tests;

public sealed class ReloadCommandTests
{
    [Fact]
    public void Show_EverythingAtOnce_SaysItAndIsAFailure()
    {
        var (code, output, error) = Show(new ReloadResponse { Applied = { "tokens" }, NeedRestart = { "Sessions:QueueBytes" }, Errors = { "Listen:CertificateFile: '\u001b[2J' cannot be used: x" } });

        Assert.Equal((ExitCodes.Rejected, "Reloaded tokens\nSessions:QueueBytes needs a restart\n"), (code, output));
        Assert.StartsWith("Not used: Listen:CertificateFile: '", error, StringComparison.Ordinal);
        Assert.DoesNotContain('\u001b', error);
    }

    [Fact]
    public void Show_NoDifference_SaysSo() => Assert.Equal((ExitCodes.Ok, "Nothing has changed.\n", ""), Show(new ReloadResponse()));

    private static (int Code, string Output, string Error) Show(ReloadResponse response)
    {
        var code = -1;
        using var error = new StringWriter();
        var output = OutputTests.Table(Terminal.None, OutputFormat.Table, table => code = ReloadCommand.Show(table, error, response));
        return (code, output, error.ToString());
    }
}
