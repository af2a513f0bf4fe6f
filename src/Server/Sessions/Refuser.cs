using System.Buffers;
using System.Text;
using Relay.Admission;
using Relay.Policy;
using Relay.Transport;

namespace Relay.Sessions;

/// <summary>
/// Says no in words. On the level calm: the upgrade and then a close frame that browsers can read, with the connection cut a
/// second later whatever the client does. Above it, by setting, or when too many refused sockets are still closing: a status
/// before the upgrade. Who is to be cut without a word and is here nevertheless came through a proxy, which would take that
/// for a failure of the relay.
/// </summary>
internal sealed class Refuser(AdmissionOptions options, OverloadMonitor overload, int maxClosing = Refuser.MaxClosing)
{
    /// <summary>Rejected connections that may wait for the end of their close handshake at once; each costs a connection for up to a second. Those above it get a status instead.</summary>
    public const int MaxClosing = 1_000;

    // A client that keeps sending after it was refused is cut before its second is over.
    private const int MaxIgnoredBytes = 64 * 1024;

    private static readonly byte[][] CloseFrames = BuildCloseFrames();

    // Atomic.
    private int _closing;

    public async Task RefuseAsync(HttpContext context, TrackedConnection connection, Decision decision)
    {
        var refusal = decision.Refusal;
        if (Rejections.ModeOf(refusal, decision.OverloadLevel, options.RejectionMode) == RejectionMode.CloseFrame)
        {
            var closing = Interlocked.Increment(ref _closing);
            try
            {
                if (closing <= maxClosing)
                {
                    overload.CountRejection(RejectionMode.CloseFrame);
                    await CloseAsync(context, connection, refusal);
                    return;
                }
            }
            finally
            {
                Interlocked.Decrement(ref _closing);
            }
        }

        overload.CountRejection(RejectionMode.HttpStatus);
        var wait = decision.Wait > options.RetryAfter ? decision.Wait : options.RetryAfter;
        await AnswerStatusAsync(context, Rejections.Of(refusal).Status, Rejections.Of(refusal).Text, wait);
    }

    /// <summary>A status before the upgrade, with Retry-After between the given time and twice as much.</summary>
    public static Task AnswerStatusAsync(HttpContext context, int status, string reason, TimeSpan retryAfter)
    {
        var seconds = Math.Max(1, (int)Math.Ceiling(retryAfter.TotalSeconds));
        context.Response.StatusCode = status;
        context.Response.ContentType = "text/plain; charset=utf-8";
        context.Response.Headers.RetryAfter = (seconds + Random.Shared.Next(seconds + 1)).ToString(System.Globalization.CultureInfo.InvariantCulture);
        return context.Response.WriteAsync(reason + "\n");
    }

    private static async Task CloseAsync(HttpContext context, TrackedConnection connection, Refusal refusal)
    {
        connection.CloseSoon();
        await using var stream = await WebSocketHandshake.UpgradeAsync(context);
        var buffer = ArrayPool<byte>.Shared.Rent(256);
        try
        {
            await stream.WriteAsync(CloseFrames[(int)refusal]);
            for (int read, total = 0; (read = await stream.ReadAsync(buffer)) > 0;)
            {
                // A close frame in answer is the end; what else comes is not looked at.
                total += read;
                if (total > MaxIgnoredBytes || (buffer[0] & 0x0F) == 8)
                {
                    break;
                }
            }
        }
        catch (Exception exception) when (exception is IOException or OperationCanceledException)
        {
            // Reset by the client, or cut after its second.
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private static byte[][] BuildCloseFrames()
    {
        var frames = new byte[Rejections.Count][];
        foreach (var row in Rejections.All)
        {
            var text = Encoding.UTF8.GetBytes(row.Text);

            // Fin and opcode 8, then the length, the code big-endian and the reason (RFC 6455 sections 5.2 and 5.5.1).
            frames[(int)row.Reason] = [0x88, (byte)(2 + text.Length), (byte)(row.CloseCode >> 8), (byte)row.CloseCode, .. text];
        }

        return frames;
    }
}
