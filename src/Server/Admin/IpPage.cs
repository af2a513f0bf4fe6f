using System.Globalization;
using Google.Protobuf.WellKnownTypes;
using Relay.AdminApi;
using Relay.Admission;

namespace Relay.Admin;

/// <summary>One page of the addresses: filter, sort, cut.</summary>
internal sealed class IpPage(ConnectionLedger ledger, LimitPolicyStore policies, TimeProvider time)
{
    private const int DefaultSize = 100;
    private const int MaxSize = 1000;

    public ListIpsResponse Read(ListIpsRequest request)
    {
        var network = Check(request, out var offset);

        // A key of IPv6 stands for a whole prefix: it matches when either holds the other.
        var rows = ledger.Keys().Where(row => network is not { } only || only.Contains(row.Key) || new IpPrefix(row.Key).Contains(only)).ToArray();
        Sort(rows, request.Sort);
        var size = request.PageSize == 0 ? DefaultSize : request.PageSize;
        var limit = policies.Current.PerIp;
        var response = new ListIpsResponse { TotalSize = rows.Length };
        response.Ips.AddRange(rows.Skip(offset).Take(size).Select(row => Entry(row, limit)));
        if (offset < rows.Length - size)
        {
            response.NextPageToken = Token(request, offset + size);
        }

        return response;
    }

    private static IpPrefix? Check(ListIpsRequest request, out int offset)
    {
        var violations = new List<(string, string)>();
        if (request.PageSize is < 0 or > MaxSize)
        {
            violations.Add(("page_size", $"{request.PageSize} is not in 0 to {MaxSize}"));
        }

        if (!System.Enum.IsDefined(request.Sort))
        {
            violations.Add(("sort", $"{(int)request.Sort} is no sort"));
        }

        IpPrefix? network = null;
        if (request.Cidr.Length > 0)
        {
            if (IpPrefix.TryParse(request.Cidr, out var parsed, out var mistake))
            {
                network = parsed;
            }
            else
            {
                violations.Add(("cidr", mistake));
            }
        }

        offset = 0;
        if (request.PageToken.Length > 0
            && !(int.TryParse(request.PageToken.Split(':')[0], NumberStyles.None, CultureInfo.InvariantCulture, out offset)
                && request.PageToken == Token(request, offset)))
        {
            violations.Add(("page_token", "the token is not of this list; begin again without one"));
        }

        return violations.Count > 0 ? throw AdminErrors.Invalid(violations) : network;
    }

    // The rows move while an operator pages, so a place in the list is all that a token can mean.
    private static string Token(ListIpsRequest request, int offset) =>
        string.Create(CultureInfo.InvariantCulture, $"{offset}:{(int)request.Sort}:{request.Cidr}");

    private static void Sort(KeyTotals[] rows, ListIpsRequest.Types.Sort sort)
    {
        Comparison<KeyTotals> order = sort switch
        {
            ListIpsRequest.Types.Sort.Refused => (a, b) => b.Refused.CompareTo(a.Refused),
            ListIpsRequest.Types.Sort.Recent => (a, b) => b.LastSeen.CompareTo(a.LastSeen),
            _ => (a, b) => b.Live.CompareTo(a.Live),
        };
        Array.Sort(rows, (a, b) => order(a, b) is not 0 and var first ? first : new IpPrefix(a.Key).CompareTo(new IpPrefix(b.Key)));
    }

    private IpEntry Entry(KeyTotals row, int limit) => new()
    {
        Key = row.Key.ToString(),
        Connections = row.Live,
        Peak = row.Peak,
        Admitted = row.Admitted,
        Refused = row.Refused,
        FirstSeen = Moment(row.FirstSeen),
        LastSeen = Moment(row.LastSeen),
        Limit = limit,
    };

    private Timestamp Moment(long timestamp) =>
        Timestamp.FromDateTimeOffset(time.GetUtcNow() - time.GetElapsedTime(timestamp));
}
