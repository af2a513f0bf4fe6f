using Relay.AdminApi;

namespace Relay.AdminCli.Top;

/// <summary>Which addresses are shown, and in which order.</summary>
internal sealed record TopView(ListIpsRequest.Types.Sort Sort, bool Networks = false, string Cidr = "", bool Cluster = false)
{
    public ListIpsRequest Request(int rows) => new() { Sort = Sort, Networks = Networks, Cidr = Cidr, PageSize = rows, Cluster = Cluster };

    /// <summary>"addresses by connections in 203.0.113.0/24".</summary>
    public string Describe()
    {
        var order = Sort switch
        {
            ListIpsRequest.Types.Sort.Refused => "refusals",
            ListIpsRequest.Types.Sort.Recent => "last seen",
            _ => "connections",
        };
        return $"{(Networks ? "networks" : "addresses")} by {order}{(Cidr.Length > 0 ? $" in {Printable.Clean(Cidr)}" : "")}";
    }
}
