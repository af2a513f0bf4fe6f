namespace Relay.AdminCli;

/// <summary>What a command takes from the process around it (its environment variables first), so that a test can be that process.</summary>
/// <param name="Input">Where a person answers; null where standard input or error is no terminal.</param>
internal sealed record CommandContext(Func<string, string?> Variable, Terminal Terminal, TimeProvider Clock, TextReader? Input = null)
{
    public static CommandContext OfThisProcess() =>
        new(Environment.GetEnvironmentVariable, Terminal.OfStandardOutput(Environment.GetEnvironmentVariable), TimeProvider.System,
            Console.IsInputRedirected || Console.IsErrorRedirected ? null : Console.In);
}
