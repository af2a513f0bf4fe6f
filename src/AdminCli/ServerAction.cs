using System.CommandLine;
using Grpc.Core;

namespace Relay.AdminCli;

/// <summary>What all commands that talk to the relay do around their own work.</summary>
internal static class ServerAction
{
    /// <summary>Runs <paramref name="run"/> with a connection, and turns every failure of the relay into words and a code.</summary>
    public static Command WithAction(this Command command, GlobalOptions globals, CommandContext context, Func<AdminCall, Task<int>> run) =>
        command.WithAction(globals, context, run, static (_, error, failure) =>
        {
            error.WriteLine(failure.Message);
            return failure.ExitCode;
        });

    /// <summary>The same, for a command that also works without the relay.</summary>
    public static Command WithAction(
        this Command command, GlobalOptions globals, CommandContext context, Func<AdminCall, Task<int>> run, Func<Output, TextWriter, Failure, int> failed)
    {
        command.SetAction(async (options, cancel) =>
        {
            var error = options.InvocationConfiguration.Error;
            var output = new Output(options.InvocationConfiguration.Output, context.Terminal, options.GetValue(globals.Output));
            if (ServerChoice.Find(globals, options, context, out var missing) is not { } choice)
            {
                return failed(output, error, missing!);
            }

            if (Credentials.Find(choice, context, error, out var unusable) is not { } credentials)
            {
                return failed(output, error, unusable!);
            }

            var (address, timeout) = (choice.Address, globals.TimeoutOf(options));
            using var connection = new AdminConnection(address, credentials, timeout, context.Clock);
            try
            {
                return await run(new AdminCall(options, connection, output, context, cancel));
            }
            catch (Exception e) when (cancel.IsCancellationRequested && e is RpcException { StatusCode: StatusCode.Cancelled } or OperationCanceledException)
            {
                return ExitCodes.Interrupted;
            }
            catch (RpcException e)
            {
                return failed(output, error, Failure.Of(e, address, timeout));
            }
        });
        return command;
    }
}
