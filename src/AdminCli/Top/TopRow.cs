using Relay.AdminApi;

namespace Relay.AdminCli.Top;

/// <summary>An address and how often it is refused a second, where that is known.</summary>
internal sealed record TopRow(IpEntry Entry, double? RefusedPerSecond)
{
    public string Key => Entry.Key;
}
