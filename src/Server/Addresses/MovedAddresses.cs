using Relay.Protocol.Moving;

namespace Relay.Addresses;

/// <summary>Keys as one process tells them to the next.</summary>
internal static class MovedAddresses
{
    public static MovedAddress ToMessage(in IpKey key) => new() { High = key.High, Low = key.Low, Bits = key.Bits };

    /// <summary>Absent: the default. Throws <see cref="InvalidDataException"/> for what is no key.</summary>
    public static IpKey Read(MovedAddress? address) =>
        address is null || address is { High: 0, Low: 0, Bits: 0 } ? default
        : IpKey.TryFrom(address.High, address.Low, address.Bits, out var key) ? key
        : throw new InvalidDataException("an address that has moved is none");
}
