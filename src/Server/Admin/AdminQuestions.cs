using Google.Protobuf;
using Grpc.Core;
using Relay.AdminApi;
using Relay.Cluster;
using Relay.Cluster.V1;

namespace Relay.Admin;

/// <summary>
/// Answers what operators ask of this node at another one: a fixed list of methods. The other node has checked who asks; whoever may publish to
/// the cluster's subjects is believed.
/// </summary>
internal sealed partial class AdminQuestions(
    ClusterBus bus, ServerSnapshot snapshot, ConnectionMapper connections, DrainCommands drains, ILogger<AdminQuestions> logger) : IHostedService
{
    public const string Subject = "admin";
    public const string GetStats = "GetStats";
    public const string ListConnections = "ListConnections";
    public const string GetDrain = "GetDrain";
    public const string Drain = "Drain";
    public const string CancelDrain = "CancelDrain";

    // Of more at once the rest is told to ask again: a list of all sockets is work.
    private const int MaxAtOnce = 8;

    // An answer is sent in an envelope, which has to stay below the bus's limit.
    private const int MaxAnswerBytes = (1 << 20) - 1024;

    // Atomic.
    private int _answering;

    public async Task StartAsync(CancellationToken cancellationToken) => await bus.SubscribeToOwnAsync(Subject, Hear);

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    // Where NATS' connection is read.
    private void Hear(ClusterMessage message)
    {
        if (message.Envelope.AdminQuestion is null)
        {
            bus.Refuse(message);
        }
        else if (Interlocked.Increment(ref _answering) > MaxAtOnce)
        {
            Interlocked.Decrement(ref _answering);
            Reply(message, Refused(StatusCode.ResourceExhausted, "too many questions at once; ask again"));
        }
        else
        {
            _ = Task.Run(() => Answer(message));
        }
    }

    private void Answer(ClusterMessage message)
    {
        try
        {
            var response = Answer(message.Envelope.AdminQuestion, message.Envelope.Node);
            Reply(message, response is null ? Refused(StatusCode.Unimplemented, "it is of a version that does not answer this")
                : response.CalculateSize() > MaxAnswerBytes ? Refused(StatusCode.ResourceExhausted, "its answer is too long")
                : new AdminAnswer { Response = response.ToByteString() });
        }
        catch (RpcException exception)
        {
            Reply(message, Refused(exception.StatusCode, exception.Status.Detail));
        }
        catch (InvalidProtocolBufferException)
        {
            bus.Refuse(message);
            Reply(message, Refused(StatusCode.InvalidArgument, "the question is not valid"));
        }
        catch (Exception exception)
        {
            Log.Failed(logger, exception, message.Envelope.Node);
            Reply(message, Refused(StatusCode.Unknown, "a bug in relayd; its log says more"));
        }
        finally
        {
            Interlocked.Decrement(ref _answering);
        }
    }

    private IMessage? Answer(AdminQuestion question, string node) => question.Method switch
    {
        GetStats => snapshot.Read(),
        ListConnections => connections.Read(ListConnectionsRequest.Parser.ParseFrom(question.Request)),
        GetDrain => drains.Progress(),
        Drain => drains.StartFor(DrainRequest.Parser.ParseFrom(question.Request), question.Who, node),
        CancelDrain => drains.CancelFor(CancelDrainRequest.Parser.ParseFrom(question.Request), question.Who, node),
        _ => null,
    };

    private static AdminAnswer Refused(StatusCode status, string detail) => new() { Status = (int)status, Detail = detail };

    private void Reply(in ClusterMessage message, AdminAnswer answer) => bus.Reply(message, new Envelope { AdminAnswer = answer });

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Error, "What node {Node} asked for an operator could not be answered")]
        public static partial void Failed(ILogger logger, Exception exception, string node);
    }
}
