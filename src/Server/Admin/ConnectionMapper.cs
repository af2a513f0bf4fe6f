using Google.Protobuf.WellKnownTypes;
using Relay.AdminApi;
using Relay.Clients;
using Relay.Sessions;

namespace Relay.Admin;

/// <summary>One page of the client sockets: filter, sort, page.</summary>
internal sealed class ConnectionMapper(SessionTable sessions, TimeProvider time)
{
    public ListConnectionsResponse Read(ListConnectionsRequest request)
    {
        var page = new Page(request.PageSize, request.PageToken, ListOf(request));
        page.CheckSort(request.Sort);
        page.CheckSort(request.Kind);
        var network = page.ReadNetwork(request.Cidr);
        page.ThrowIfWrong();

        var rows = Clients(session => network is not { } only || only.Contains(session.Address), request.Kind).ToArray();
        return new ListConnectionsResponse
        {
            Connections = { page.Of(rows, Order(request.Sort)).Select(Row) },
            NextPageToken = page.NextToken(rows.Length),
            TotalSize = rows.Length,
        };
    }

    /// <summary>Identifies order and filter in the token of a page.</summary>
    public static string ListOf(ListConnectionsRequest request) => $"{request.Sort:D} {request.Kind:D} {request.Cidr}";

    /// <summary>Client sessions, not peer servers.</summary>
    public IEnumerable<Session> Clients(
        Func<Session, bool> filter, ListConnectionsRequest.Types.Kind kind = ListConnectionsRequest.Types.Kind.Unspecified) =>
        sessions.All.Where(session => session.State is Client client && Is(client, kind) && filter(session));

    public Connection Row(Session session)
    {
        var client = Client.Of(session);
        var (queued, queuedBytes, _) = session.Queued;
        return new Connection
        {
            Id = session.Id,
            Address = session.Address.ToString(),
            Key = session.Key.ToString(),
            Age = Duration.FromTimeSpan(time.GetElapsedTime(session.ConnectedAt)),
            Idle = Duration.FromTimeSpan(time.GetElapsedTime(Volatile.Read(ref session.LastMessage))),
            HasCode = client.Code is not null,
            HasPeerId = client.PeerId is not null,
            MessagesReceived = Volatile.Read(ref session.MessagesReceived),
            BytesReceived = Volatile.Read(ref session.BytesReceived),
            MessagesSent = Volatile.Read(ref session.MessagesSent),
            BytesSent = Volatile.Read(ref session.BytesSent),
            QueuedMessages = queued,
            QueuedBytes = queuedBytes,
            Subject = session.Subject?.Name ?? "",
        };
    }

    private static bool Is(Client client, ListConnectionsRequest.Types.Kind kind) => kind switch
    {
        ListConnectionsRequest.Types.Kind.Unregistered => client.Name is null,
        ListConnectionsRequest.Types.Kind.Code => client.Code is not null,
        ListConnectionsRequest.Types.Kind.Peer => client.PeerId is not null,
        _ => true,
    };

    private static Comparison<Session> Order(ListConnectionsRequest.Types.Sort sort)
    {
        Comparison<Session> order = sort switch
        {
            ListConnectionsRequest.Types.Sort.Idle => (a, b) => a.LastMessage.CompareTo(b.LastMessage),
            ListConnectionsRequest.Types.Sort.Messages => (a, b) => b.MessagesReceived.CompareTo(a.MessagesReceived),
            ListConnectionsRequest.Types.Sort.Bytes => (a, b) => (b.BytesReceived + b.BytesSent).CompareTo(a.BytesReceived + a.BytesSent),
            ListConnectionsRequest.Types.Sort.Queue => (a, b) => b.Queued.Bytes.CompareTo(a.Queued.Bytes),
            _ => (a, b) => a.ConnectedAt.CompareTo(b.ConnectedAt),
        };
        return (a, b) => order(a, b) is not 0 and var first ? first : a.Id.CompareTo(b.Id);
    }
}
