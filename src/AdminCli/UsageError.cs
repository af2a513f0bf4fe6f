using System.CommandLine;
using System.CommandLine.Invocation;

namespace Relay.AdminCli;

/// <summary>What is wrong with a command line, and where to read how it should be.</summary>
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
        // One word too much for the root is a mistyped command; that it is also a missing one helps nobody.
        var messages = parsed.UnmatchedTokens is [var word, ..] && isGroup
            ? [$"'{Printable.Clean(word)}' is not {(word.StartsWith('-') ? "an option" : "a command")}. {Commands(command)}"]
            : isGroup && (parsed.Tokens.Count == 0 || command is not RootCommand) ? [$"Which command? {Commands(command)}"]
            : parsed.Errors.Select(problem => Printable.Clean(problem.Message)).Distinct();
        foreach (var message in messages)
        {
            error.WriteLine(message);
        }

        error.WriteLine($"Run `{Path(command)} --help` for how it is used.");
        return ExitCodes.Usage;
    }

    private static string Path(Command command) => command is RootCommand
        ? "relayctl"
        : $"{Path(command.Parents.OfType<Command>().First())} {command.Name}";

    private static string Commands(Command root) => $"Commands: {string.Join(", ", root.Subcommands.Select(command => command.Name))}.";
}
