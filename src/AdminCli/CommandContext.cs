using Microsoft.Win32.SafeHandles;

namespace Relay.AdminCli;

/// <summary>What a command takes from the process around it (its environment variables first), so that a test can be that process.</summary>
/// <param name="Input">Where a person answers; gives null where standard input or error is no terminal.</param>
internal sealed record CommandContext(Func<string, string?> Variable, Terminal Terminal, TimeProvider Clock, Func<TextReader?>? Input = null)
{
    public static CommandContext OfThisProcess() =>
        new(Environment.GetEnvironmentVariable, Terminal.OfStandardOutput(Environment.GetEnvironmentVariable), TimeProvider.System,
            // Past Console, which would set the terminal up for itself.
            static () => LibC.TerminalMode() is null || Console.IsErrorRedirected ? null
                : new StreamReader(new FileStream(new SafeFileHandle(0, ownsHandle: false), FileAccess.Read, bufferSize: 0)));
}
