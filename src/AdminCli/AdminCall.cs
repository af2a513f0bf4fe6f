using System.CommandLine;
using Grpc.Core;

namespace Relay.AdminCli;

/// <summary>One run of a command that talks to the relay: its options, its connection, and where its answers go.</summary>
internal sealed class AdminCall(ParseResult options, AdminConnection connection, Output output, CommandContext context, CancellationToken cancel)
{
    public ParseResult Options => options;

    public AdminConnection Connection => connection;

    public Output Output => output;

    public CommandContext Context => context;

    public CancellationToken Cancel => cancel;

    public TextWriter Writer => options.InvocationConfiguration.Output;

    public TextWriter Error => options.InvocationConfiguration.Error;

    /// <summary>Deadline and Ctrl-C, for a call with one answer.</summary>
    public CallOptions Unary => connection.WithDeadline(cancel);
}
