using System.Globalization;
using Grpc.Core;
using Relay.AdminApi;
using Relay.Cluster;

namespace Relay.Admin;

/// <summary>
/// One page of the client sockets of all nodes, merged. Each node sorts its own; a page takes from each what comes first, and its token says how
/// many rows of each node the pages so far have taken.
/// </summary>
internal sealed class ClusterConnections(ConnectionMapper own, ClusterQuestions questions)
{
    // Rows of all pages of one list: whoever needs more asks the nodes one by one.
    private const int MaxRows = 100_000;

    // Rows that all nodes answer at once.
    private const int MaxAnswered = 100_000;

    public async Task<ListConnectionsResponse> ReadAsync(ListConnectionsRequest request, ServerCallContext context)
    {
        questions.RequireCluster();
        var list = ConnectionMapper.ListOf(request);
        if (!TryReadToken(request.PageToken, list, out var taken))
        {
            throw AdminErrors.Invalid(("page_token", Page.WrongToken));
        }

        // Its own first: what is wrong with the request is said without asking anybody.
        var parts = new List<Part> { new(questions.Own.Name, questions.Own.Epoch, own.Read(Request(questions.Own.Epoch))) };
        var answers = await questions.AskAllAsync<ListConnectionsResponse>(AdminQuestions.ListConnections, node => Request(node.Epoch), context);
        parts.AddRange(answers.Answered.Select(node => new Part(node.Node.Name, node.Node.Epoch, node.Answer)));

        var size = request.PageSize == 0 ? Page.DefaultSize : request.PageSize;
        var response = new ListConnectionsResponse { TotalSize = parts.Sum(part => Math.Clamp(part.Answer.TotalSize, 0, uint.MaxValue)), Missing = { answers.Missing } };
        response.Connections.AddRange(Merge(parts, request.Sort, Math.Min(size, Math.Max(1, MaxAnswered / parts.Count)), taken));
        var isMore = parts.Exists(part => taken.GetValueOrDefault(part.Epoch) < part.Answer.TotalSize && part.Answer.Connections.Count > 0);
        response.Truncated = isMore && taken.Values.Sum() >= MaxRows;
        response.NextPageToken = isMore && !response.Truncated ? Token(taken, list) : "";
        return response;

        ListConnectionsRequest Request(ulong epoch) => new(request)
        {
            Cluster = false,
            PageToken = taken.GetValueOrDefault(epoch) is > 0 and var offset ? Page.Token(offset, list) : "",
        };
    }

    // The next row is the first of some node's rest: what one node says cannot move the rows of another.
    private static IEnumerable<Connection> Merge(List<Part> parts, ListConnectionsRequest.Types.Sort sort, int size, Dictionary<ulong, int> taken)
    {
        var order = Order(sort);
        var heads = new PriorityQueue<(Part Part, int Row), (Connection Row, int Part)>(
            Comparer<(Connection Row, int Part)>.Create((a, b) => order(a.Row, b.Row) is not 0 and var first ? first : a.Part.CompareTo(b.Part)));
        for (var i = 0; i < parts.Count; i++)
        {
            parts[i].Index = i;
            Push(parts[i], 0);
        }

        for (var left = size; left > 0 && heads.TryDequeue(out var head, out var key); left--)
        {
            key.Row.Node = head.Part.Name;
            yield return key.Row;
            taken[head.Part.Epoch] = taken.GetValueOrDefault(head.Part.Epoch) + 1;
            Push(head.Part, head.Row + 1);
        }

        void Push(Part part, int row)
        {
            if (row < part.Answer.Connections.Count)
            {
                heads.Enqueue((part, row), (part.Answer.Connections[row], part.Index));
            }
        }
    }

    // As each node sorts: ages are by its own clock, but how long ago is the same everywhere.
    private static Comparison<Connection> Order(ListConnectionsRequest.Types.Sort sort)
    {
        Comparison<Connection> order = sort switch
        {
            ListConnectionsRequest.Types.Sort.Idle => (a, b) => (b.Idle?.ToTimeSpan() ?? default).CompareTo(a.Idle?.ToTimeSpan() ?? default),
            ListConnectionsRequest.Types.Sort.Messages => (a, b) => b.MessagesReceived.CompareTo(a.MessagesReceived),
            ListConnectionsRequest.Types.Sort.Bytes => (a, b) => (b.BytesReceived + b.BytesSent).CompareTo(a.BytesReceived + a.BytesSent),
            ListConnectionsRequest.Types.Sort.Queue => (a, b) => b.QueuedBytes.CompareTo(a.QueuedBytes),
            _ => (a, b) => (b.Age?.ToTimeSpan() ?? default).CompareTo(a.Age?.ToTimeSpan() ?? default),
        };
        return order;
    }

    // "f00=10,f01=4:LIST"
    private static string Token(Dictionary<ulong, int> taken, string list) =>
        $"{string.Join(',', taken.OrderBy(node => node.Key).Select(node => string.Create(CultureInfo.InvariantCulture, $"{node.Key:x}={node.Value}")))}:{list}";

    private static bool TryReadToken(string token, string list, out Dictionary<ulong, int> taken)
    {
        taken = [];
        if (token.Length == 0)
        {
            return true;
        }

        if (!token.EndsWith($":{list}", StringComparison.Ordinal))
        {
            return false;
        }

        foreach (var part in token[..^(list.Length + 1)].Split(',').Take(ClusterNodes.MaxNodes * 2))
        {
            if (part.Split('=') is not [var epoch, var rows]
                || !ulong.TryParse(epoch, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var node)
                || !int.TryParse(rows, NumberStyles.None, CultureInfo.InvariantCulture, out var count)
                || count > MaxRows
                || !taken.TryAdd(node, count))
            {
                return false;
            }
        }

        return true;
    }

    private sealed class Part(string name, ulong epoch, ListConnectionsResponse answer)
    {
        public string Name => name;

        public ulong Epoch => epoch;

        public ListConnectionsResponse Answer => answer;

        public int Index { get; set; }
    }
}
