using System.Buffers;

namespace Relay.AdminAuth;

/// <summary>A compressed block of request headers (RFC 7541), as far as :authority is concerned.</summary>
internal static class HeaderBlock
{
    // Index of :authority in the static table.
    private const int Authority = 1;

    private const int MaxInteger = 1 << 20;

    // One letter, so that it is never longer than what it replaces; a host's name.
    private static ReadOnlySpan<byte> Host => "u"u8;

    private static ReadOnlySpan<byte> Name => ":authority"u8;

    // The same in the code of RFC 7541, appendix B.
    private static ReadOnlySpan<byte> CodedName => [0xB8, 0x3B, 0x53, 0x39, 0xEC, 0x32, 0x7D, 0x7F];

    /// <summary>Writes the block with every value of :authority that is sent in full replaced; false: it is malformed, and what was written is of no use.</summary>
    public static bool TryReplaceAuthority(ReadOnlySpan<byte> block, IBufferWriter<byte> output)
    {
        while (!block.IsEmpty)
        {
            var first = block[0];

            // Indexed, and an update of the table's size: no value follows.
            if (first >= 0x80 || (first & 0xE0) == 0x20)
            {
                if (!TryReadInteger(block, first >= 0x80 ? 7 : 5, out _, out var length))
                {
                    return false;
                }

                output.Write(block[..length]);
                block = block[length..];
                continue;
            }

            // A literal: with its name by index, or in full; to be remembered or not.
            if (!TryReadInteger(block, first >= 0x40 ? 6 : 4, out var index, out var named))
            {
                return false;
            }

            var isAuthority = index == Authority;
            if (index == 0)
            {
                if (!TryReadText(block[named..], out var name, out var isCoded, out var nameLength))
                {
                    return false;
                }

                isAuthority = name.SequenceEqual(isCoded ? CodedName : Name);
                named += nameLength;
            }

            if (!TryReadText(block[named..], out var value, out _, out var valueLength))
            {
                return false;
            }

            output.Write(block[..named]);
            if (isAuthority && !value.IsEmpty)
            {
                output.Write([(byte)Host.Length, .. Host]);
            }
            else
            {
                output.Write(block.Slice(named, valueLength));
            }

            block = block[(named + valueLength)..];
        }

        return true;
    }

    private static bool TryReadText(ReadOnlySpan<byte> from, out ReadOnlySpan<byte> text, out bool isCoded, out int length)
    {
        text = default;
        isCoded = !from.IsEmpty && (from[0] & 0x80) != 0;
        if (!TryReadInteger(from, 7, out var count, out length) || count > from.Length - length)
        {
            return false;
        }

        text = from.Slice(length, count);
        length += count;
        return true;
    }

    private static bool TryReadInteger(ReadOnlySpan<byte> from, int bits, out int value, out int length)
    {
        (value, length) = (0, 0);
        if (from.IsEmpty)
        {
            return false;
        }

        var max = (1 << bits) - 1;
        value = from[0] & max;
        length = 1;
        if (value < max)
        {
            return true;
        }

        for (var shift = 0; length < from.Length && shift <= 14; shift += 7)
        {
            var next = from[length++];
            value += (next & 0x7F) << shift;
            if (next < 0x80)
            {
                return value <= MaxInteger;
            }
        }

        return false;
    }
}
