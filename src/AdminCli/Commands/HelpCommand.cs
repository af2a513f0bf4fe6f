using System.CommandLine;

namespace Relay.AdminCli.Commands;

/// <summary>`help COMMAND`, the same as --help.</summary>
internal static class HelpCommand
{
    public static Command Create()
    {
        var words = new Argument<string[]>("command") { Description = "The command, such as stats or limits history.", Arity = ArgumentArity.ZeroOrMore };
        var command = new ExampleCommand(
            "help",
            "Shows the help of a command.",
            "The same as --help after the command.",
            "relayctl help",
            "relayctl help limits history")
        {
            words,
        };
        command.SetAction(async (options, cancel) =>
        {
            var parsed = options.RootCommandResult.Command.Parse([.. options.GetValue(words) ?? [], "--help"], options.Configuration);
            return UsageError.ReportUnknown(parsed, options.InvocationConfiguration.Error) ?? await parsed.InvokeAsync(options.InvocationConfiguration, cancel);
        });
        return command;
    }
}
