using System.CommandLine;

namespace Relay.AdminCli;

/// <summary>
/// A command with a line for the list of commands, details for its own help, and command lines to copy, each with what it
/// does behind a #.
/// </summary>
internal sealed class ExampleCommand(string name, string summary, string details, params IReadOnlyList<string> examples) : Command(name, summary)
{
    public string Details => details;

    public IReadOnlyList<string> Examples => examples;

    /// <summary>Exit code for a malformed command line.</summary>
    public int UsageCode { get; set; } = ExitCodes.Usage;
}
