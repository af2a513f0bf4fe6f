namespace Relay.AdminCli;

/// <summary>What a command takes from the process around it (its environment variables first), so that a test can be that process.</summary>
internal sealed record CommandContext(Func<string, string?> Variable, Terminal Terminal, TimeProvider Clock)
{
    public static CommandContext OfThisProcess() =>
        new(Environment.GetEnvironmentVariable, Terminal.OfStandardOutput(Environment.GetEnvironmentVariable), TimeProvider.System);
}
