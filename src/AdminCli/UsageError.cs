using System.CommandLine;
using System.CommandLine.Invocation;

namespace Relay.AdminCli;

/// <summary>What is wrong with a command line, and where the usage is.</summary>
internal static class UsageError
{
    /// <summary>Null where the command line is right, or is answered all the same (--help, --version).</summary>
    public static int? Report(ParseResult parsed, TextWriter error)
    {
        if (parsed.Action is not ParseErrorAction)
        {
            return null;
        }

        var command = parsed.CommandResult.Command;
        var isGroup = command.Subcommands.Count > 0;
        return isGroup && ReportUnknown(parsed, error) is { } unknown ? unknown
            : Report(command, error, isGroup ? [$"Missing command. {Commands(command)}"] : parsed.Errors.Select(problem => Printable.Clean(problem.Message)).Distinct());
    }

    /// <summary>For a word that is no command where one is expected; null where there is none.</summary>
    public static int? ReportUnknown(ParseResult parsed, TextWriter error) => parsed.UnmatchedTokens is [var word, ..]
        ? Report(parsed.CommandResult.Command, error,
            [$"'{Printable.Clean(word)}' is not {(word.StartsWith('-') ? "an option" : "a command")}. {Commands(parsed.CommandResult.Command)}".TrimEnd()])
        : null;

    private static int Report(Command command, TextWriter error, IEnumerable<string> messages)
    {
        foreach (var message in messages)
        {
            error.WriteLine(message);
        }

        error.WriteLine($"Run `{Path(command)} --help` for usage.");
        return (command as ExampleCommand)?.UsageCode ?? ExitCodes.Usage;
    }

    private static string Path(Command command) => command is RootCommand
        ? "relayctl"
        : $"{Path(command.Parents.OfType<Command>().First())} {command.Name}";

    private static string Commands(Command root) =>
        root.Subcommands.Count == 0 ? "" : $"Commands: {string.Join(", ", root.Subcommands.Select(command => command.Name))}.";
}
