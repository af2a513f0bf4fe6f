using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Relay.AdminApi;
using Relay.AdminAuth;

namespace Relay.Admin;

/// <summary>Drains of whichever node an operator names.</summary>
internal sealed class ClusterDrains(DrainCommands here, ClusterQuestions questions)
{
    public async Task<DrainProgress> StartAsync(DrainRequest request, ServerCallContext context)
    {
        // The caller is told of its mistakes by the relay that it called, whichever node it means.
        DrainCommands.Check(request);
        var who = AdminCaller.Of(context).Who;
        return IsHere(request.Node)
            ? here.Start(request, who)
            : await questions.AskAsync<DrainProgress>(request.Node, AdminQuestions.Drain, request, who, context);
    }

    public async Task<DrainProgress> CancelAsync(CancelDrainRequest request, ServerCallContext context)
    {
        var who = AdminCaller.Of(context).Who;
        return IsHere(request.Node)
            ? here.Cancel(request, who)
            : await questions.AskAsync<DrainProgress>(request.Node, AdminQuestions.CancelDrain, request, who, context);
    }

    /// <summary>A node that does not answer is asked once more: it may be busy with its clients.</summary>
    public async Task<DrainProgress> ProgressAsync(string node, ServerCallContext context)
    {
        if (IsHere(node))
        {
            return here.Progress();
        }

        try
        {
            return await AskProgressAsync(node, context);
        }
        catch (RpcException exception) when (exception.StatusCode == StatusCode.Unavailable)
        {
            return await AskProgressAsync(node, context);
        }
    }

    private Task<DrainProgress> AskProgressAsync(string node, ServerCallContext context) =>
        questions.AskAsync<DrainProgress>(node, AdminQuestions.GetDrain, new Empty(), "", context);

    private bool IsHere(string node) => node.Length == 0 || node == questions.Own.Name;
}
