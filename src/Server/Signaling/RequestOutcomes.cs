using Relay.Clients;
using Relay.Cluster;
using Relay.Cluster.V1;
using Relay.Protocol;
using Outcome = Relay.Cluster.V1.PeerRequestOutcome.Types.Outcome;

namespace Relay.Signaling;

/// <summary>Tells requesters what came of their requests, here or at another relay of the cluster.</summary>
internal sealed class RequestOutcomes(MatchTable matches, RemoteRequests remote, ClusterBus bus, ClusterSubjects subjects, SignalingOptions options)
{
    /// <summary>The target has accepted.</summary>
    public void Match(PendingRequest request, string? deviceId = null)
    {
        matches.Add(request.From, request.To);
        if (request.From is RemoteClient requester && options.RequireMatch)
        {
            remote.Tie(request.To, requester.Epoch);
        }

        Tell(request, new PeerRequestOutcome
        {
            Outcome = Outcome.Matched,
            Key = request.To.PublicKey,
            Session = request.From is RemoteClient ? request.To.Session.Id : 0,
            DeviceId = deviceId ?? "",
        });
    }

    /// <summary>The target does not want to.</summary>
    public void Reject(PendingRequest request) => Tell(request, Outcome.Rejected);

    /// <summary>There was no answer, or there can be none.</summary>
    public void TimeOut(PendingRequest request) => Tell(request, Outcome.TimedOut);

    /// <summary>No answer yet, and there is not much time left.</summary>
    public void Warn(PendingRequest request) => Tell(request, Outcome.Expiring);

    /// <summary>What the requester is sent.</summary>
    public static EncodedMessage Write(RequestKind kind, string targetCode, PeerRequestOutcome outcome, SignalingOptions options) => (kind, outcome.Outcome) switch
    {
        (RequestKind.Pair, Outcome.Matched) => MessageWriter.Write(new PairMatched(targetCode, outcome.Key, IsInitiator: true), ServerJson.Default.PairMatched),
        (RequestKind.Pair, Outcome.Rejected) => MessageWriter.Write(new PairRejected(targetCode), ServerJson.Default.PairRejected),
        (RequestKind.Pair, Outcome.Expiring) => MessageWriter.Write(new PairExpiring(targetCode, options.WarningSeconds), ServerJson.Default.PairExpiring),
        (RequestKind.Pair, _) => MessageWriter.Write(new PairTimeout(targetCode), ServerJson.Default.PairTimeout),
        (RequestKind.Link, Outcome.Matched) => MessageWriter.Write(
            new LinkMatched(targetCode, outcome.Key, IsInitiator: true, WebClientCode: null, DeviceName: null, outcome.DeviceId.Length > 0 ? outcome.DeviceId : null),
            ServerJson.Default.LinkMatched),
        (RequestKind.Link, Outcome.Rejected) => MessageWriter.Write(new LinkRejected(targetCode), ServerJson.Default.LinkRejected),
        _ => MessageWriter.Write(new LinkTimeout(targetCode), ServerJson.Default.LinkTimeout),
    };

    /// <summary>What the requester is sent where the request cannot be made: one text for every cause, so that asking is no way to learn which codes exist.</summary>
    public static EncodedMessage WriteNotPossible(RequestKind kind) => kind == RequestKind.Pair
        ? MessageWriter.Write(new PairError("Pair request could not be processed"), ServerJson.Default.PairError)
        : MessageWriter.Write(new LinkError("Link request could not be processed"), ServerJson.Default.LinkError);

    private void Tell(PendingRequest request, Outcome outcome) => Tell(request, new PeerRequestOutcome { Outcome = outcome });

    private void Tell(PendingRequest request, PeerRequestOutcome outcome)
    {
        if (request.From is RemoteClient requester)
        {
            outcome.Request = request.Number;
            bus.TrySend(subjects.Node(requester.Epoch, ClusterSignals.Subject), new Envelope { PeerRequestOutcome = outcome });
        }
        else
        {
            ((Client)request.From).Send(Write(request.Kind, request.ToCode, outcome, options));
        }
    }
}
