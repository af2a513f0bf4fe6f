using System.CommandLine;
using System.CommandLine.Parsing;
using System.Net;

namespace Relay.AdminCli.Commands;

/// <summary>Starts the dashboard, which takes the place of this process.</summary>
internal static class DashboardCommand
{
    public static Command Create(GlobalOptions globals)
    {
        var port = new Option<int?>("--port")
        {
            Description = "Port on 127.0.0.1, 1 to 65535. Default: a free one.",
            HelpName = "port",
            CustomParser = ArgumentParsers.Whole<int>("--port", 1, IPEndPoint.MaxPort),
        };
        var noOpen = new Option<bool>("--no-open") { Description = "Only print the address, do not open a browser." };
        var command = new ExampleCommand(
            "dashboard",
            "Shows the relay in a browser.",
            "A web server on this machine's loopback that calls the relay with your credentials, as relayctl does: nothing is opened on the relay. Prints an address that lets one browser in, "
                + "once, and opens it where there is a desktop. Shows your role's actions only, and asks before each. Saved contexts can be chosen there. Ctrl-C ends it.",
            "relayctl dashboard",
            "relayctl dashboard --context berlin --port 8443 --no-open     # then, from elsewhere: ssh -L 8443:127.0.0.1:8443 HOST")
        {
            port,
            noOpen,
        };
        command.Validators.Add(result =>
        {
            if (result.GetResult(globals.Output) is { Implicit: false })
            {
                result.AddError("--output is for commands that print an answer; the dashboard shows it in a browser.");
            }
        });
        command.SetAction(options =>
        {
            var error = options.InvocationConfiguration.Error;
            if (DashboardProgram.Find(AppContext.BaseDirectory, out var missing) is not { } program)
            {
                error.WriteLine(missing);
                return ExitCodes.Rejected;
            }

            // All that was given is for the dashboard as well, which has the same options.
            var words = options.Tokens.Where(token => token.Type != TokenType.Command).Select(token => token.Value);
            error.WriteLine($"Cannot start {Printable.Clean(program)}: {LibC.Execute(program, [DashboardProgram.Name, .. words])}");
            return ExitCodes.Rejected;
        });
        return command;
    }
}
