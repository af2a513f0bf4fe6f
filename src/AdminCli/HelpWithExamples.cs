using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;

namespace Relay.AdminCli;

/// <summary>The usual help, then examples; for the root what applies to all commands.</summary>
internal sealed class HelpWithExamples(Terminal terminal) : SynchronousCommandLineAction
{
    // Longer lines are hard to read, whatever the terminal's width.
    private const int WidestLine = 120;

    private const string Indent = "  ";
    private const char OptionalMark = '\u0001';

    private const string RootNotes = """
        Examples:
          relayctl stats                              # load and health
          relayctl top                                # live, on a full screen
          relayctl ips --sort refused --top 10        # top offenders
          relayctl set-limit --per-ip 50              # takes effect with the next connection
          relayctl stats -o json | jq .connections    # for scripts

        Exit codes:
          0    success
          1    request rejected; nothing matched (disconnect, unban); not ready (health); mismatch (verify); findings (doctor)
          2    malformed command line; nothing was changed
          3    cannot connect, or no answer in time
               check has the codes of a monitoring plugin instead: 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN
          130  interrupted before the answer came (a watch that is interrupted ends with 0)

        Durations have a unit and may be compound: 500ms, 30s, 1h30m, 7d. Times are RFC 3339 in UTC.

        JSON has every field, numbers as numbers, times as RFC 3339 and durations as "1.5s".

        Environment:
          RELAY_ADMIN  address of the admin listener, if neither --server nor --context is given
          RELAY_TOKEN  access token for an admin listener on TCP, if --token-file is not given
          NO_COLOR     if set, no colour (there is never any if the output is not a terminal)
        """;

    // Help is an answer even where the rest of the command line is wrong.
    public override bool ClearsParseErrors => true;

    public override int Invoke(ParseResult parseResult)
    {
        var width = Math.Min(terminal.Size().Columns, WidestLine);
        var output = parseResult.InvocationConfiguration.Output;
        WriteUsual(parseResult, width);
        if (parseResult.CommandResult.Command is not ExampleCommand command)
        {
            output.WriteLine(RootNotes);
            return ExitCodes.Ok;
        }

        output.WriteLine("Details:");
        foreach (var line in Wrap(command.Details, width - Indent.Length))
        {
            output.WriteLine(Indent + line);
        }

        output.WriteLine();
        output.WriteLine("Examples:");
        foreach (var example in command.Examples)
        {
            output.WriteLine(Indent + example);
        }

        return ExitCodes.Ok;
    }

    // The library shows every argument in its lists as if it were mandatory: the marks take the width that the brackets need.
    private static void WriteUsual(ParseResult parseResult, int width)
    {
        Mark(parseResult.RootCommandResult.Command);
        var configuration = parseResult.InvocationConfiguration;
        var (output, text) = (configuration.Output, new StringWriter { NewLine = "\n" });
        configuration.Output = text;
        new HelpAction { MaxWidth = width }.Invoke(parseResult);
        configuration.Output = output;
        foreach (var line in text.ToString().TrimEnd('\n').Split('\n'))
        {
            output.WriteLine(line.TrimEnd().Replace($"<{OptionalMark}", "[<", StringComparison.Ordinal).Replace($"{OptionalMark}>", ">]", StringComparison.Ordinal));
        }

        output.WriteLine();
    }

    private static void Mark(Command command)
    {
        foreach (var argument in command.Arguments.Where(argument => argument.Arity.MinimumNumberOfValues == 0))
        {
            argument.HelpName = $"{OptionalMark}{argument.Name}{OptionalMark}";
        }

        foreach (var child in command.Subcommands)
        {
            Mark(child);
        }
    }

    private static IEnumerable<string> Wrap(string text, int width)
    {
        var line = "";
        foreach (var word in text.Split(' '))
        {
            if (line.Length > 0 && line.Length + 1 + word.Length > width)
            {
                yield return line;
                line = "";
            }

            line += line.Length == 0 ? word : $" {word}";
        }

        yield return line;
    }
}
