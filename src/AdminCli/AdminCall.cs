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

    public TextWriter Writer { get; private init; } = options.InvocationConfiguration.Output;

    public TextWriter Error { get; private init; } = options.InvocationConfiguration.Error;

    /// <summary>Deadline and Ctrl-C, for a call with one answer.</summary>
    public CallOptions Unary => connection.WithDeadline(cancel);

    /// <summary>The same call, which prints elsewhere: one of several answers in a watch.</summary>
    public AdminCall Into(TextWriter text, TextWriter notes) => new(options, connection, output.Into(text, context.Clock), context, cancel) { Writer = text, Error = notes };

    /// <summary>Waits for what a stream is to bring: it has no deadline of its own, and a relay that hangs must not look like one where nothing happens.</summary>
    public async Task<T> SoonAsync<T>(Task<T> answer, TimeSpan patience)
    {
        try
        {
            return await answer.WaitAsync(patience, context.Clock, cancel);
        }
        catch (TimeoutException)
        {
            throw new RpcException(new Status(StatusCode.DeadlineExceeded, "no answer"));
        }
    }

    /// <summary>Ctrl-C, as it comes out of a call: that is how what runs until then is meant to end.</summary>
    public bool IsInterrupt(Exception exception) =>
        cancel.IsCancellationRequested && exception is RpcException { StatusCode: StatusCode.Cancelled } or OperationCanceledException;

    /// <summary>The connection broke, not the relay refused.</summary>
    public bool IsLoss(Exception exception) => !cancel.IsCancellationRequested && exception is RpcException { Status.DebugException: not null };

    /// <summary>Says that a stream that had begun broke off.</summary>
    public int Lost()
    {
        Error.WriteLine($"Lost the connection to the relay at {connection.Address}.");
        return ExitCodes.Unreachable;
    }
}
