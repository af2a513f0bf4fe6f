using Relay.Addresses;
using Relay.Cluster.V1;

namespace Relay.Admission;

/// <summary>Keys and their connections as the nodes of a cluster tell them to each other.</summary>
internal static class CountsCodec
{
    /// <summary>Keys in one message at most.</summary>
    public const int MaxKeys = 2_000;

    /// <summary>Connections of one key that are told at most, so that a thousand nodes' sum is still a number.</summary>
    public const int MaxConnections = 1_000_000;

    private const int Ipv6Half = 64;

    public static void Add(Counts message, in IpKey key, int connections)
    {
        message.Bits.Add(key.Bits);
        message.Connections.Add((uint)Math.Clamp(connections, 0, MaxConnections));
        if (key.IsUnresolved)
        {
            return;
        }

        message.Words.Add(key.IsIpv6 || key.IsSubject ? key.High : key.Low);
        if (HasTwoWords(key))
        {
            message.Words.Add(key.Low);
        }
    }

    /// <summary>The keys of a message, appended to <paramref name="into"/>. False: no relay has written it so, and <paramref name="into"/> is of no use.</summary>
    public static bool TryRead(Counts message, List<(IpKey Key, int Connections)> into)
    {
        if (message.Bits.Count > MaxKeys || message.Bits.Count != message.Connections.Count || message.Total is < 0 or > int.MaxValue)
        {
            return false;
        }

        var word = 0;
        for (var i = 0; i < message.Bits.Count; i++)
        {
            if (message.Connections[i] > MaxConnections || !TryReadKey(message, message.Bits[i], ref word, out var key))
            {
                return false;
            }

            into.Add((key, (int)message.Connections[i]));
        }

        return word == message.Words.Count;
    }

    private static bool HasTwoWords(in IpKey key) => key.IsSubject || (key.IsIpv6 && key.PrefixLength > Ipv6Half);

    private static bool TryReadKey(Counts message, uint bits, ref int word, out IpKey key)
    {
        var probe = new IpKey(0, 0, (byte)Math.Min(bits, byte.MaxValue));
        var words = probe.IsUnresolved ? 0 : HasTwoWords(probe) ? 2 : 1;
        if (word + words > message.Words.Count)
        {
            key = default;
            return false;
        }

        var first = words == 0 ? 0 : message.Words[word];
        var second = words == 2 ? message.Words[word + 1] : 0;
        word += words;
        return probe.IsIpv6 || probe.IsSubject ? IpKey.TryFrom(first, second, bits, out key) : IpKey.TryFrom(0, first, bits, out key);
    }
}
