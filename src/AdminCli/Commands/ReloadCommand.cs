using System.CommandLine;
using Relay.AdminApi;

namespace Relay.AdminCli.Commands;

/// <summary>Has the relay read its files again.</summary>
internal static class ReloadCommand
{
    public static Command Create(GlobalOptions globals, CommandContext context)
    {
        var reason = ChangeFlags.ReasonOption();
        return new ExampleCommand(
            "reload",
            "Reloads certificates, tokens and options.",
            "As SIGHUP does, and as the relay does by itself some seconds after one of the files has changed. No connection is closed: a new certificate is for "
                + "new handshakes. Options that need a restart are named. Exit code 1 if something could not be used; the relay then keeps what it had.",
            "relayctl reload",
            "certbot renew --deploy-hook 'relayctl reload'")
        {
            reason,
        }.WithAction(globals, context, async call =>
        {
            var request = new ReloadRequest { Reason = call.Options.GetValue(reason) ?? "" };
            return Show(call.Output, call.Error, await call.Connection.Configuration.ReloadAsync(request, call.Unary));
        });
    }

    internal static int Show(Output output, TextWriter error, ReloadResponse response)
    {
        output.Answer(response, () =>
        {
            foreach (var applied in response.Applied)
            {
                output.Line($"Reloaded {Printable.Clean(applied)}");
            }

            foreach (var option in response.NeedRestart)
            {
                output.Line($"{Printable.Clean(option)} needs a restart");
            }

            if (response.Applied.Count + response.NeedRestart.Count + response.Errors.Count == 0)
            {
                output.Line("Nothing has changed.");
            }
        });

        foreach (var problem in response.Errors)
        {
            error.WriteLine($"Not used: {Printable.Clean(problem)}");
        }

        return response.Errors.Count == 0 ? ExitCodes.Ok : ExitCodes.Rejected;
    }
}
