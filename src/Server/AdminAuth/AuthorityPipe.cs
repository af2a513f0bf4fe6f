using System.IO.Pipelines;
using Microsoft.AspNetCore.Connections;

namespace Relay.AdminAuth;

/// <summary>Puts <see cref="AuthorityRewriter"/> between a connection of the Unix socket and the web server.</summary>
internal static class AuthorityPipe
{
    public static async Task RunAsync(ConnectionContext connection, ConnectionDelegate next)
    {
        var transport = connection.Transport;
        var pipe = new Pipe(new PipeOptions(pauseWriterThreshold: 128 * 1024, resumeWriterThreshold: 64 * 1024, useSynchronizationContext: false));
        connection.Transport = new Duplex(pipe.Reader, transport.Output);
        var pump = PumpAsync(transport.Input, pipe.Writer);
        try
        {
            await next(connection);
        }
        finally
        {
            connection.Transport = transport;
            await pipe.Reader.CompleteAsync();
            transport.Input.CancelPendingRead();
            await pump;
        }
    }

    private static async Task PumpAsync(PipeReader input, PipeWriter output)
    {
        var rewriter = new AuthorityRewriter();
        Exception? failure = null;
        try
        {
            while (true)
            {
                var read = await input.ReadAsync();
                var buffer = read.Buffer;
                if (read.IsCanceled)
                {
                    input.AdvanceTo(buffer.Start);
                    break;
                }

                rewriter.Rewrite(ref buffer, output);
                input.AdvanceTo(buffer.Start, buffer.End);
                if ((await output.FlushAsync()).IsCompleted || read.IsCompleted)
                {
                    break;
                }
            }
        }
        catch (Exception exception) when (exception is IOException or InvalidOperationException)
        {
            // The connection is gone; whoever reads hears it from the pipe.
            failure = exception;
        }

        await output.CompleteAsync(failure);
    }

    private sealed class Duplex(PipeReader input, PipeWriter output) : IDuplexPipe
    {
        public PipeReader Input => input;

        public PipeWriter Output => output;
    }
}
