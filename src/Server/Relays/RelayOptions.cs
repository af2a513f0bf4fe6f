namespace Relay.Relays;

/// <summary>Peers that offer to relay. The defaults are those of the network that the clients come from.</summary>
internal sealed class RelayOptions
{
    /// <summary>Relays offered at registration, and by get_relays where it names no count.</summary>
    internal int Offered { get; set; } = 10;

    /// <summary>A relay is offered while its connected count is below this share of what it takes.</summary>
    internal int BusyAtPercent { get; set; } = 50;
}
