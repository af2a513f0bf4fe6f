using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;

namespace Relay.AdminCli;

/// <summary>The usual help, then examples; for the root what holds for all commands.</summary>
internal sealed class HelpWithExamples(Terminal terminal) : SynchronousCommandLineAction
{
    // Longer lines are hard to read, whatever the terminal's width.
    private const int WidestLine = 120;

    private const string Indent = "  ";

    private const string RootNotes = """
        Examples:
          relayctl stats                              # is it full, is it well
          relayctl top                                # live on a full screen
          relayctl ips --sort refused --top 10        # who is being refused
          relayctl set-limit --per-ip 50              # holds for the next connection
          relayctl stats -o json | jq .connections    # for programs

        Exit codes:
          0    done
          1    the relay said no: a refused request, a drift found by verify, a health other than serving
          2    wrong usage; nothing was sent
          3    no relay was reached, or it did not answer in time
          130  interrupted before the answer came (a watch ends with 0)

        Environment:
          RELAY_ADMIN  the relay's address where --server is not given
          RELAY_TOKEN  the token for an address over the network where --token-file is not given
          NO_COLOR     if set to anything: no colour (output that is not a terminal never has any)
        """;

    // Help is an answer even where the rest of the command line is wrong.
    public override bool ClearsParseErrors => true;

    public override int Invoke(ParseResult parseResult)
    {
        var width = Math.Min(terminal.Size().Columns, WidestLine);
        new HelpAction { MaxWidth = width }.Invoke(parseResult);
        var output = parseResult.InvocationConfiguration.Output;
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
