using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Relay.AdminApi;
using Relay.AuditLog;
using Relay.Cluster;
using Relay.Sessions;

namespace Relay.Admin;

/// <summary>Drains of this relay as operators ask for them, here or at another node of the cluster.</summary>
internal sealed class DrainCommands(Drainer drainer, AuditRecorder audit)
{
    private const int MaxRate = 100_000;
    private const int MaxWho = 256;

    private static readonly TimeSpan MaxDeadline = TimeSpan.FromHours(24);

    /// <summary>INVALID_ARGUMENT for what is out of its range.</summary>
    public static (int Rate, TimeSpan Deadline) Check(DrainRequest request) => Check(request.Rate, request.Deadline, request.Reason);

    /// <summary>The same for whatever drains clients.</summary>
    public static (int Rate, TimeSpan Deadline) Check(int rate, Duration? deadline, string reason)
    {
        var errors = new List<(string, string)>();
        if (rate is < 0 or > MaxRate)
        {
            errors.Add(("rate", $"{rate} is not in 0 to {MaxRate:#,0}"));
        }

        var within = PolicyMapper.Length("deadline", deadline, MaxDeadline, errors) ?? Drainer.DefaultDeadline;
        PolicyMapper.CheckReason(reason, errors);
        return errors.Count > 0 ? throw AdminErrors.Invalid(errors) : (rate == 0 ? Drainer.DefaultRate : rate, within);
    }

    public DrainProgress Start(DrainRequest request, string who)
    {
        var (rate, deadline) = Check(request);
        drainer.Start(rate, deadline, who, request.Reason);
        return Progress();
    }

    public DrainProgress Cancel(CancelDrainRequest request, string who) => drainer.Cancel(who, request.Reason)
        ? Progress()
        : throw AdminErrors.Precondition(drainer.IsForStop ? "the relay drains because it is stopping, which cannot be cancelled" : "no drain is in progress");

    public DrainProgress Progress()
    {
        var state = drainer.State();
        return new DrainProgress
        {
            State = !state.IsOn ? DrainProgress.Types.State.Cancelled
                : state.Remaining == 0 ? DrainProgress.Types.State.Done
                : DrainProgress.Types.State.Draining,
            Remaining = state.Remaining,
            Closed = state.Closed,
            Estimate = Duration.FromTimeSpan(state.Estimate),
            Elapsed = Duration.FromTimeSpan(state.Elapsed),
        };
    }

    /// <summary>For an operator at another node: audited here as well.</summary>
    public DrainProgress StartFor(DrainRequest request, string who, string node)
    {
        request.Node = "";
        return For(AdminQuestions.Drain, request, who, node, operatorName => Start(request, operatorName));
    }

    /// <summary>As <see cref="StartFor"/>.</summary>
    public DrainProgress CancelFor(CancelDrainRequest request, string who, string node)
    {
        request.Node = "";
        return For(AdminQuestions.CancelDrain, request, who, node, operatorName => Cancel(request, operatorName));
    }

    private DrainProgress For(string method, IMessage request, string who, string node, Func<string, DrainProgress> run)
    {
        // Both are another node's word.
        (who, node) = (Clean(who), NodeEntry.Text(node));
        var (result, text) = (AuditEntry.Ok, (string?)null);
        try
        {
            return run(who.Length > 0 ? who : $"an operator at {node}");
        }
        catch (RpcException exception)
        {
            (result, text) = (exception.StatusCode.ToWireName(), exception.Status.Detail);
            throw;
        }
        finally
        {
            var what = $"{RequestSummary.Of(request)} node={node}".TrimStart();
            audit.Record(AuditEntry.OfRelay(who, method, what, RequestSummary.ReasonOf(request), "", "") with { Before = null, After = null, Result = result, Text = text });
        }
    }

    private static string Clean(string text) => string.Concat(text.Take(MaxWho).Select(letter => char.IsControl(letter) ? ' ' : letter)).Trim();
}
