using Relay.Clients;
using Relay.RateLimiting;

namespace Relay.Signaling;

/// <summary>How often one socket and one address may ask to pair.</summary>
internal sealed class PairRequestRate(SignalingOptions options, TimeProvider time)
{
    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);

    private readonly AddressRate _addresses = new(options.PairRequestsPerMinutePerIp, time);

    /// <summary>Those of addresses.</summary>
    public AddressRate Addresses => _addresses;

    public bool TryTake(Client client) =>
        client.PairRequests.TryTake(1, options.PairRequestsPerMinute, Minute, time) && _addresses.TryTake(client.Session.Key);
}
